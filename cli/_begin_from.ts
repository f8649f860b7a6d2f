/** Training that begins with the weights of another model: its network, a new head for other classes, frozen layers. */
import type * as tf from '@tensorflow/tfjs';
import { stringify } from 'yaml';
import { copyWeights } from '../models/copy_weights';
import { networkConfig } from '../models/network_config';
import { few } from '../node/datasets/own/listing';
import { datasetEntry } from '../node/datasets/registry';
import { dataOfModel } from '../training/model_data';
import { parseRecipe } from '../training/parse_recipe';
import type { Recipe } from '../training/recipe';
import { isOwnData } from '../training/recipe_data';
import { type OpenOptions, openModel, placeOfModel } from './_model';
import { UsageError } from './shared/errors';

/** `--from`, and what it leaves open. */
export interface FromArguments extends Omit<OpenOptions, 'recipe'> {
  from?: string;
  freeze?: string[];
}

/** A trained model, and what its outputs stand for if that is recorded. */
export interface Beginning {
  model: tf.LayersModel;
  name: string;
  classNames?: readonly string[];
}

/** @throws UsageError if it has fresh weights, or the run has begun */
export async function openBeginning(
  options: FromArguments & { resume?: boolean },
): Promise<Beginning | undefined> {
  const { from, freeze, resume, checkpoint, preset, config, key, ema } = options;
  if (resume && (from !== undefined || freeze)) {
    throw new UsageError('--from and --freeze are of a new run: one that is resumed has them');
  }
  if (from === undefined) {
    const alone = Object.entries({ preset, config, key, ema }).find(([, value]) => value);
    if (!alone) return undefined;
    throw new UsageError(`--${alone[0]} is about the checkpoint file of --from: give --from too`);
  }
  if (placeOfModel(from).kind === 'preset') {
    throw new UsageError(`--from must be a trained model, but preset ${from} has fresh weights`);
  }
  const { model, recipe: own } = await openModel(from, { checkpoint, preset, config, key, ema });
  const classNames = dataOfModel(model)?.classNames ?? (own && namesOf(own));
  return { model, name: from, ...(classNames && { classNames }) };
}

function namesOf({ data: { name, classNames } }: Recipe): readonly string[] | undefined {
  return isOwnData(name) ? classNames : datasetEntry(name).info.classNames;
}

/** The recipe with the network of that model. @throws UsageError if it is of no family */
export function withNetworkOf(
  { model: source, name }: Beginning,
  recipe: Recipe,
  settings: readonly string[] = [],
): Recipe {
  const network = networkConfig(source);
  if (!network) {
    throw new UsageError(`the network of ${name} is of no family known here: --recipe names one`);
  }
  const { family, config } = network;
  const options = Object.entries(config).filter(
    ([key, value]) => family.options[key]?.recipe !== false && value !== undefined,
  );
  const [, frames, ...frame] = source.inputs[0]!.shape;
  const time = frame.length === 3 ? { timeSteps: frames! } : {};
  const { inputShape: _, numClasses: __, ...model } = Object.fromEntries(options);
  const { expected: ___, ...rest } = recipe;
  return parseRecipe(
    stringify({ ...rest, model: { family: family.name, ...model, ...time } }),
    recipe.name,
    settings,
  );
}

/**
 * Copies what fits; the head stays new unless it is known to answer with the same classes.
 * @returns a line on what was copied
 */
export function copyFrom(
  { model: source, name, classNames }: Beginning,
  model: tf.LayersModel,
  own: readonly string[],
): string {
  const head = model.layers.at(-1)!;
  const fresh = head.getWeights().map((weight) => weight.clone());
  const { copied, kept } = copyWeights(source, model);
  const isSame = classNames?.join('\n') === own.join('\n');
  if (!isSame) head.setWeights(fresh);
  for (const weight of fresh) weight.dispose();
  const headNames = head.weights.map(({ originalName }) => originalName);
  const taken = copied.filter((each) => isSame || !headNames.includes(each));
  const others = kept.filter((each) => !headNames.includes(each));
  const of = model.layers.filter(({ weights }) =>
    weights.some(({ originalName }) => taken.includes(originalName)),
  );
  const parts = [
    `from ${name}: ${taken.length} of ${model.weights.length} weights, of ${of.map((layer) => layer.name).join(', ')}`,
    ...(isSame ? [] : [`${head.name} is new`]),
    ...(others.length === 0
      ? []
      : [`${others.length} others do not fit and are new: ${few(others, 3)}`]),
  ];
  return parts.join('; ');
}
