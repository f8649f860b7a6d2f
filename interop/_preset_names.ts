/** Which presets' weights have the names of a state_dict's. */
import { torchEntries } from '../models/families';
import type { Family, FamilyConfig } from '../models/family';
import { familyOfPreset, list, type ModelConfig, presetConfig } from '../models/registry';
import type { Shapes } from '../models/torch_names';

/** What stays the same whatever the sizes: the names of weights, and their numbers of axes. */
type Pattern = ReadonlySet<string>;

/** Of the keys of one family's weights: all but those of later blocks and those that are never used. */
function patternOf(shapes: Shapes, { authors }: Family): Pattern {
  return new Set(
    Object.keys(shapes)
      .filter((key) => !authors.unused.test(key) && !authors.laterBlocks.test(key))
      .map((key) => `${key}:${shapes[key]!.shape.length}`),
  );
}

/** The presets whose names of weights the state_dict has, those with the most where some have fewer. */
export function presetsAlike(stateDict: Shapes): string[] {
  const alike = list().filter((name) => missingNames(name, stateDict).length === 0);
  const most = Math.max(0, ...alike.map((name) => presetPattern(name).size));
  return alike.filter((name) => presetPattern(name).size === most);
}

/** A preset's names that the state_dict lacks. */
export function missingNames(name: string, stateDict: Shapes): string[] {
  const has = patternOf(stateDict, familyOfPreset(name));
  return [...presetPattern(name)].filter((key) => !has.has(key));
}

/** By the smallest network of that kind. */
const patterns = new Map<string, Pattern>();

/** A preset's pattern, from a network of the same kind and the smallest size. */
export function presetPattern(name: string): Pattern {
  const family = familyOfPreset(name);
  const config = presetConfig(name) as ModelConfig & FamilyConfig;
  const { inputShape } = config;
  const small = [...inputShape.slice(0, -3).map(() => 1), 16, 16, inputShape.at(-1)!];
  const smallest = { ...config, inputShape: small, ...family.authors.smallest(config) };
  const kind = JSON.stringify([family.name, smallest]);
  let pattern = patterns.get(kind);
  if (pattern === undefined) {
    const model = family.create(smallest);
    const shapes = torchEntries(model).map(({ key, shape }) => [key, { shape }] as const);
    model.dispose();
    pattern = patternOf(Object.fromEntries(shapes), family);
    patterns.set(kind, pattern);
  }
  return pattern;
}
