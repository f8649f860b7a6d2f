/** Held-out samples as a recipe feeds them to its network. */
import * as tf from '@tensorflow/tfjs';
import { testDataFromRecipe } from '../training/from_recipe';
import type { Recipe } from '../training/recipe';
import type { EvaluationData } from '../training/training_data';
import { type DataPlace, openSplit } from './_run_folder';

/** All of them, or the first `samples`, as `evaluate` of the library takes them. */
export async function heldOutData(
  recipe: Recipe,
  samples: number | undefined,
  place: DataPlace = {},
): Promise<EvaluationData> {
  const data = samples ? { ...recipe.data, testSamples: samples } : recipe.data;
  const source = await openSplit(recipe, 'test', place);
  return testDataFromRecipe({ ...recipe, data }, { test: source });
}

export interface HeldOut {
  x: tf.Tensor;
  /** Classes of the samples. */
  labels: Int32Array;
  classNames: readonly string[];
}

/** The first `count` of them, or all if there are fewer, in one batch. The caller disposes of x. */
export async function heldOut(
  recipe: Recipe,
  count: number,
  place: DataPlace = {},
): Promise<HeldOut> {
  const source = await openSplit(recipe, 'test', place);
  const few: Recipe = { ...recipe, evaluation: { ...recipe.evaluation, batchSize: count } };
  for await (const { data, shape, labels } of testDataFromRecipe(few, { test: source }).batches()) {
    return { x: tf.tensor(data, shape), labels, classNames: source.classNames };
  }
  throw new Error(`${recipe.data.name} has no held-out samples`);
}
