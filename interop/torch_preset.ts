/** Which network a state_dict is of: from its names and shapes, the checkpoint's args, and what the caller says. */
import { checkKeys } from '../lib/validate';
import { allFamilies } from '../models/families';
import type { FamilyConfig } from '../models/family';
import { optionOf } from '../models/options';
import { familyOfPreset, type ModelConfig, presetConfig } from '../models/registry';
import type { Shapes, Sizes } from '../models/torch_names';
import { missingNames, presetPattern, presetsAlike } from './_preset_names';
import {
  kindsOf,
  leastAgainst,
  misfits,
  optionValue,
  orderOf,
  same,
  unsaid,
} from './_preset_options';
import { CheckpointError } from './checkpoint_error';
import { argsConfig, ownNetwork } from './network_args';

/** Options of `recognizePreset`. */
export interface RecognizeOptions {
  /** A preset's name, where several have these shapes, or for other classes than its own. */
  preset?: string;
  /** The args that the training script left in the checkpoint: `meta.args`. */
  args?: unknown;
  /** What the caller knows better than all of them. */
  config?: Partial<ModelConfig>;
}

/** A network for a state_dict: `models.create(preset, config)` builds it. */
export interface RecognizedPreset {
  preset: string;
  /** What differs from the preset. */
  config: Partial<ModelConfig>;
  /** Where heads, time steps and tau come from, a line each. */
  sources: string[];
}

/**
 * Recognizes the network of a state_dict in the authors' names. Sizes are the shapes'; heads, time
 * steps and tau are not in the shapes: they are taken from `config`, else from `preset` where it is
 * named, else from `args` (what networkArgs wrote; num_heads, time_step or T, tau, img_size), else from
 * the one preset that has these shapes.
 *
 * ```ts
 * const { preset, config } = recognizePreset(stateDict, { args: meta.args });
 * const model = spiking.models.create(preset, config);
 * ```
 *
 * Throws a CheckpointError that lists the candidates where several presets fit (the shapes of CML and
 * of the order before it are often the same), and one that says what is missing where none does.
 */
export function recognizePreset(
  stateDict: Shapes,
  options: RecognizeOptions = {},
): RecognizedPreset {
  checkKeys('recognizePreset', options, ['preset', 'args', 'config']);
  const alike = presetsAlike(stateDict);
  const sizes = sizesOf(stateDict, alike);
  const given = { ...options.config };
  const fromArgs = argsConfig(options.args, stateDict, sizes, familyOf(alike));
  if (options.preset !== undefined) {
    return chosen(options.preset, { stateDict, alike, sizes, given, fromArgs });
  }
  const own = ownNetwork(options.args);
  if (own) return written(own, alike, sizes, given);

  const said = { ...fromArgs, ...given };
  const fitting = alike.filter((name) => {
    const preset = presetConfig(name);
    const { order = orderOf(preset) } = given;
    return misfits(name, preset, sizes).length === 0 && order === orderOf(preset);
  });
  const candidates = fitting.length > 1 ? leastAgainst(fitting, said) : fitting;
  if (candidates.length > 1) {
    throw new CheckpointError(
      `${candidates.join(' and ')} have the same shapes: say which it is (--preset)`,
    );
  }
  if (candidates.length === 1) {
    const [preset] = candidates as [string];
    return result(preset, sizes, said, [
      `${preset} is the only preset with these shapes`,
      ...sources(preset, fromArgs, given),
    ]);
  }
  return unlisted(alike, sizes, said, sources(undefined, fromArgs, given));
}

/** A network that this library wrote, with all its options: the preset is the one with most of them. */
function written(
  { family, config }: NonNullable<ReturnType<typeof ownNetwork>>,
  alike: readonly string[],
  sizes: Sizes,
  given: Partial<ModelConfig>,
): RecognizedPreset {
  const changes = (preset: string): [string, unknown][] => {
    const base = presetConfig(preset);
    return Object.entries({ ...config, ...given }).filter(
      ([key, value]) =>
        !(key in sizes && !(key in given)) && !same(optionOf(family.options, base, key), value),
    );
  };
  const [first, ...others] = alike.filter((name) => familyOfPreset(name) === family);
  if (first === undefined) {
    throw new CheckpointError(
      `the checkpoint's args are of a ${family.name}, but its weights have other names`,
    );
  }
  const count = (name: string) =>
    changes(name).length + misfits(name, presetConfig(name), sizes).length;
  const preset = others.reduce((best, name) => (count(name) < count(best) ? name : best), first);
  const said = Object.fromEntries(changes(preset)) as Partial<ModelConfig>;
  return result(preset, sizes, said, sources(preset, config, given));
}

/** A preset that the caller named: its names must be the state_dict's; classes may differ. */
function chosen(
  preset: string,
  {
    stateDict,
    alike,
    sizes,
    given,
    fromArgs,
  }: {
    stateDict: Shapes;
    alike: string[];
    sizes: Sizes;
    given: Partial<ModelConfig>;
    fromArgs: Partial<ModelConfig>;
  },
): RecognizedPreset {
  const config = presetConfig(preset, given); // an unknown name is refused here
  const { numClasses = config.numClasses } = sizes;
  const wrong = misfits(preset, { ...config, numClasses }, sizes);
  // A few names may be missing, which loading says; most must be there.
  const missing = missingNames(preset, stateDict);
  if (missing.length > presetPattern(preset).size / 2) wrong.push('other names of weights');
  if (wrong.length > 0) {
    const fitting = alike.filter((name) => misfits(name, presetConfig(name), sizes).length === 0);
    throw new CheckpointError(
      `the state dict is not of ${preset}: it has ${wrong.join(', ')}` +
        (fitting.length > 0 ? `; ${fitting.join(' and ')} fit` : ''),
    );
  }
  const args = sources(undefined, fromArgs, given).map(
    (line) => `${line}: not used, ${preset} was asked for`,
  );
  return result(preset, sizes, given, [`${preset} was asked for`, ...args]);
}

/** A network that is no preset's: built on one of the same kind, if all that shapes do not say is said. */
function unlisted(
  alike: string[],
  sizes: Sizes,
  said: Partial<ModelConfig>,
  lines: string[],
): RecognizedPreset {
  const kinds = kindsOf(alike, sizes, said);
  const { numClasses, channels, ...own } = sizes;
  const listed = Object.entries(own).map(([key, size]) => `${key} ${JSON.stringify(size)}`);
  const counted = Object.entries({ classes: numClasses, channels })
    .filter(([, count]) => count !== undefined)
    .map(([name, count]) => `${count} ${name}`);
  const what = [...listed, ...counted].join(', ');
  const [preset] = kinds;
  if (preset === undefined) {
    const names = allFamilies().map(({ name }) => name);
    throw new CheckpointError(
      `no preset has these names and sizes (${what}): it is none of the networks known here ` +
        `(${names.join(', ')}), or some weights are missing: then name its preset (--preset)`,
    );
  }
  const missing = unsaid(kinds, sizes, said);
  if (missing.length > 0) {
    const sized = kinds.filter((name) => misfits(name, presetConfig(name), own).length === 0);
    throw new CheckpointError(
      `no preset has these sizes (${what}), and neither the checkpoint's args nor --config say ` +
        `${missing.join(', ')}. Of the same kind: ${kinds.slice(0, 6).join(', ')}` +
        (sized.length > 0
          ? `; with these sizes, but other classes: ${sized.join(', ')} (name it: --preset)`
          : ''),
    );
  }
  return result(preset, sizes, said, [`no preset has these sizes (${what})`, ...lines]);
}

function result(
  name: string,
  sizes: Sizes,
  said: Partial<ModelConfig>,
  lines: string[],
): RecognizedPreset {
  const base = presetConfig(name);
  const { channels: _, ...own } = sizes;
  const config: Record<string, unknown> = {};
  for (const [key, value] of Object.entries({ ...own, ...said })) {
    if (!same(optionValue(name, base, key), value)) config[key] = value;
  }
  const built = presetConfig(name, config as Partial<ModelConfig>);
  const timeSteps = built.inputShape.length === 4 ? built.inputShape[0] : (built.timeSteps ?? 4);
  const heads = 'numHeads' in familyOfPreset(name).options ? `heads ${built.numHeads ?? 8}, ` : '';
  return {
    preset: name,
    config: config as Partial<ModelConfig>,
    sources: [
      ...lines,
      `${heads}time steps ${timeSteps}, tau ${built.tau ?? 2}`,
      ...(familyOfPreset(name).notes?.(built as ModelConfig & FamilyConfig) ?? []),
    ],
  };
}

function sources(
  preset: string | undefined,
  fromArgs: Partial<ModelConfig>,
  given: Partial<ModelConfig>,
): string[] {
  const base = preset === undefined ? undefined : presetConfig(preset);
  const text = (config: Partial<ModelConfig>) =>
    Object.entries(config)
      .map(([key, value]) => {
        const own = (base as unknown as Record<string, unknown> | undefined)?.[key];
        const differs = own !== undefined && !same(own, value);
        return `${key} ${JSON.stringify(value)}${differs ? ` (the preset: ${JSON.stringify(own)})` : ''}`;
      })
      .join(', ');
  return [
    ...(Object.keys(fromArgs).length > 0 ? [`from the checkpoint's args: ${text(fromArgs)}`] : []),
    ...(Object.keys(given).length > 0 ? [`given: ${text(given)}`] : []),
  ];
}

/** The family of presets with the same names. */
const familyOf = ([name]: readonly string[]) =>
  name === undefined ? undefined : familyOfPreset(name);

/** What the shapes say, by the family of the presets that have its names, or by the first that can tell. */
function sizesOf(stateDict: Shapes, alike: readonly string[]): Sizes {
  const reasons = new Set<string>();
  for (const { authors } of [...alike.slice(0, 1).map(familyOfPreset), ...allFamilies()]) {
    const sizes = authors.sizes(stateDict);
    if (typeof sizes !== 'string') return sizes;
    reasons.add(sizes);
  }
  const names = allFamilies().map(({ name }) => name);
  throw new CheckpointError(
    `it is no network of ${names.join(' or ')} in the authors' names: ${[...reasons].join('; ')}`,
  );
}
