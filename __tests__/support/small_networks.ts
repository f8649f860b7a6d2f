/** Every family's presets, made small: for what must hold for each kind of network. */
import { allFamilies } from '../../models/families';
import type { Family, FamilyConfig } from '../../models/family';

/** What a network of the preset's kind with two heads, few channels and few pixels is made of. */
function small(family: Family, preset: FamilyConfig): FamilyConfig {
  const { embedDim, ...sizes } = family.authors.smallest(preset);
  const rank = preset.inputShape.length;
  return {
    ...preset,
    ...sizes,
    ...(embedDim !== undefined && { embedDim: 2 * (embedDim as number) }),
    ...('numHeads' in family.options && { numHeads: 2 }),
    ...('numClasses' in family.options && { numClasses: 5 }),
    ...(rank === 3 && { inputShape: [16, 16, 3] }),
    ...(rank === 4 && { inputShape: [3, 32, 32, 2] }),
  };
}

/** One preset of each family for each rank of inputs that it has, as images (3), events (4) and text, and its network. */
export function smallNetworks(ranks: readonly number[]) {
  return allFamilies().flatMap((family) =>
    ranks.flatMap((rank) => {
      const preset = Object.keys(family.presets).find(
        (name) => family.presets[name]!.inputShape.length === rank,
      );
      if (!preset) return [];
      const create = () => family.create(small(family, family.presets[preset]!));
      return [[preset, create] as const];
    }),
  );
}
