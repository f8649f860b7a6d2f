/** Turns a recipe into its model, its data and its schedule. */
import type * as tf from '@tensorflow/tfjs';
import type { batches } from '../datasets/batches';
import type { SampleSource } from '../datasets/sample';
import {
  evalTransforms,
  eventTransforms,
  type Transform,
  trainTransforms,
  wordDropout,
} from '../datasets/transforms';
import { defined } from '../lib/defined';
import { invalid } from '../lib/validate';
import { create } from '../models';
import { familyNamed } from '../models/families';
import { freezeLayers } from '../models/freeze';
import { type Lesson, lossFromRecipe } from './_recipe_loss';
import { adamW } from './adamw';
import { cosineSchedule } from './cosine_schedule';
import type { Ranks } from './ranks';
import { defaultFamily, type Recipe } from './recipe';
import { checkFound, describeData, isOwnImages } from './recipe_data';
import { evaluationData, firstSamples, trainingData } from './sample_data';
import { seededWeights } from './seeded_weights';
import type { TrainerConfig } from './trainer_config';

/** The recipe's network with weights drawn from its seed. */
export function modelFromRecipe({ model, data, seed, freeze = [] }: Recipe): tf.LayersModel {
  const { preset, family = defaultFamily, ...options } = model;
  checkFound(data);
  const set = describeData(data);
  const time = set.kind === 'events' ? [options.timeSteps!] : [];
  const input = {
    inputShape: [...time, ...set.sample],
    numClasses: set.classes,
    ...(set.kind === 'text' && { vocabSize: set.vocabSize }),
  };
  const network = seededWeights(seed, () =>
    preset === undefined
      ? familyNamed(family).create({ ...options, ...input })
      : create(preset, { ...options, ...input }),
  );
  if (freeze.length > 0) freezeLayers(network, freeze);
  return network;
}

/** The recipe's augmentation of training samples. */
function trainTransform(recipe: Recipe, mean?: readonly number[]): Transform | undefined {
  const { augment, data } = recipe;
  if (!augment) return isOwnImages(data) ? testTransform(recipe) : undefined;
  const { erasing: _, policy, intensity, wordDropout: probability, hflip, ...image } = augment;
  const set = describeData(data);
  if (set.kind === 'text') {
    const { unknownId, padId } = set;
    return probability === undefined ? undefined : wordDropout({ probability, unknownId, padId });
  }
  if (set.kind === 'events') {
    return eventTransforms({ ...defined({ policy, hflip, intensity }) });
  }
  return trainTransforms({
    size: [set.sample[0], set.sample[1]],
    ...defined({ ...image, hflip, mean }),
  });
}

/** What it does to held-out samples, and to those that the network is asked of. */
export function testTransform({
  evaluation,
  data,
}: Pick<Recipe, 'evaluation' | 'data'>): Transform | undefined {
  const { interpolation, cropPct = isOwnImages(data) ? 1 : undefined } = evaluation ?? {};
  if (cropPct === undefined) return undefined;
  const set = describeData(data);
  if (set.kind === 'text') throw invalid('evaluation.cropPct', 'absent for text', cropPct);
  const [height, width] = set.sample;
  return evalTransforms({ size: [height, width], cropPct, ...defined({ interpolation }) });
}

/** For recipes with distillation, `model` and `teacher` too. */
export interface RecipeData extends Lesson {
  train: SampleSource;
  test: SampleSource;
  /** What makes batches. Default: this thread. */
  batches?: typeof batches;
  /** The processes that share the batches of a step. Default: this one alone. */
  ranks?: Ranks;
}

/** How many batches of a step each of `size` processes computes: the step stays the recipe's. */
function accumulateOf(
  { name, batchSize, accumulate = 1, effectiveBatch }: Recipe,
  size: number,
): number {
  if (accumulate % size === 0) return accumulate / size;
  const equal = effectiveBatch % size === 0;
  const way = `--set batchSize=${effectiveBatch / size} --set accumulate=${size}`;
  throw new Error(
    `the recipe ${name} has ${accumulate} batches of ${batchSize} in a step, which ${size} processes cannot ` +
      `share equally${equal ? `: ${way} keeps the step` : ''}`,
  );
}

/**
 * Everything a Trainer needs except the model.
 *
 * @throws if the recipe distills and there is no teacher
 */
export function trainerConfigFromRecipe(
  recipe: Recipe,
  { train, test, batches, ranks, model, teacher }: RecipeData,
): Omit<TrainerConfig, 'model'> {
  const { optimizer, schedule = {}, epochs, seed, averageDecay, precision, checkpoint } = recipe;
  const accumulate = accumulateOf(recipe, ranks?.size ?? 1);
  const { name: _, clipNorm, ...adam } = optimizer;
  const { batchSize, mixup, labelSmoothing, augment } = recipe;
  return {
    optimizer: adamW(adam),
    schedule: cosineSchedule({ learningRate: adam.learningRate, epochs, ...schedule }),
    train: trainingData(firstSamples(train, recipe.data.trainSamples), {
      batchSize,
      seed,
      batches,
      transform: trainTransform(recipe, train.mean),
      ...defined({ mixup, labelSmoothing, erasing: augment?.erasing }),
    }),
    test: testDataFromRecipe(recipe, { test, batches }),
    loss: lossFromRecipe(recipe, defined({ model, teacher })),
    accumulate,
    ...defined({ teacher, ranks, averageDecay, clipNorm, precision }),
    ...defined({ saveEverySteps: checkpoint?.everySteps }),
  };
}

/** The recipe's held-out samples. */
export function testDataFromRecipe(
  recipe: Recipe,
  { test, batches }: Pick<RecipeData, 'test' | 'batches'>,
) {
  return evaluationData(firstSamples(test, recipe.data.testSamples), {
    batchSize: recipe.evaluation?.batchSize ?? recipe.batchSize,
    batches,
    transform: testTransform(recipe),
  });
}

/** What must be equal for a run to resume as if never interrupted. */
export function identityOf(recipe: Recipe): Record<string, unknown> {
  const { name: _, description: __, checkpoint: ___, expected: ____, precision, ...rest } = recipe;
  const isDefault = precision === undefined || precision === 'float32';
  return { recipe: isDefault ? rest : { ...rest, precision } };
}

/** What the images of training batches depend on, and whether a sample differs from epoch to epoch. */
export function imagesOf(recipe: Recipe): { perEpoch: boolean; identity: Record<string, unknown> } {
  const { data, model, seed, batchSize, augment, mixup } = recipe;
  const perEpoch = augment !== undefined || mixup !== undefined;
  const frames = describeData(data).kind === 'events' && { timeSteps: model.timeSteps };
  return {
    perEpoch,
    identity: { data, ...frames, ...(perEpoch && { seed, batchSize, augment, mixup }) },
  };
}
