/** How presets compare with what shapes, args and callers tell of a network. */
import { optionOf } from '../models/options';
import { familyOfPreset, type ModelConfig, presetConfig } from '../models/registry';
import type { Sizes } from '../models/torch_names';

/** A configuration's options as they are counted: as given, or their defaults. */
export function optionValue(preset: string, config: ModelConfig, key: string): unknown {
  if (key === 'channels') return config.inputShape.at(-1);
  return optionOf(familyOfPreset(preset).options, config, key);
}

export const orderOf = ({ order = 'conv-bn-pool-lif' }: ModelConfig) => order;

/** How a preset's configuration differs from the shapes. */
export function misfits(preset: string, config: ModelConfig, sizes: Sizes): string[] {
  return Object.keys(sizes)
    .map((key) => [key, sizes[key], optionValue(preset, config, key)] as const)
    .filter(([, size, own]) => !same(size, own))
    .map(([key, size, own]) => `${key} ${JSON.stringify(size)} instead of ${JSON.stringify(own)}`);
}

/** Of the presets with the same names, those that contradict least of what is said, and take such an input. */
export function kindsOf(alike: string[], sizes: Sizes, said: Partial<ModelConfig>): string[] {
  const events = said.inputShape?.length === 4;
  const fitting = alike.filter((name) => {
    const { inputShape } = presetConfig(name);
    if (said.inputShape) return (inputShape.length === 4) === events;
    return sizes.channels === undefined || inputShape.at(-1) === sizes.channels;
  });
  const decided = ['patchSize', 'order'];
  return leastAgainst(fitting, said).filter((name) =>
    decided.every((key) => !(key in said) || isOption(name, key, valueIn(said, key))),
  );
}

/** Those that differ in the fewest forms from what is said. */
export function leastAgainst(presets: readonly string[], said: Partial<ModelConfig>): string[] {
  const against = (name: string) =>
    formsOf(name).filter((key) => key in said && !isOption(name, key, valueIn(said, key))).length;
  const least = Math.min(...presets.map(against));
  return presets.filter((name) => against(name) === least);
}

/** Options that neither shapes nor the caller tell, and in which presets of the same kind differ; heads always. */
export function unsaid(kinds: string[], sizes: Sizes, said: Partial<ModelConfig>): string[] {
  const { options } = familyOfPreset(kinds[0]!);
  const isOpen = (key: string) => Object.hasOwn(options, key) && !(key in said) && !(key in sizes);
  const differs = (key: string) =>
    kinds.some(
      (name) => !isOption(name, key, optionValue(kinds[0]!, presetConfig(kinds[0]!), key)),
    );
  const forms = formsOf(kinds[0]!).filter((key) => isOpen(key) && differs(key));
  return [
    ...(isOpen('numHeads') ? ['numHeads'] : []),
    ...(isOpen('inputShape') && differs('inputShape') ? ['inputShape'] : []),
    ...forms,
    // Those before CML may have another tau: which it is follows from the order.
    ...(isOpen('tau') && differs('tau') && !forms.includes('order') ? ['tau'] : []),
  ];
}

/** Options with few values, which decide a network's form. */
function formsOf(preset: string): string[] {
  const { options } = familyOfPreset(preset);
  return Object.keys(options).filter(
    (key) => options[key]!.oneOf !== undefined || options[key]!.type === 'boolean',
  );
}

const valueIn = (config: Partial<ModelConfig>, key: string) =>
  (config as Record<string, unknown>)[key];

export const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export const isOption = (preset: string, key: string, value: unknown) =>
  same(optionValue(preset, presetConfig(preset), key), value);
