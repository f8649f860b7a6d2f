/** What a saved model records about its samples: class names, sizes and statistics, in its model.json. */
import type * as tf from '@tensorflow/tfjs';
import * as z from 'zod';
import type { Recipe } from './recipe';
import { dataSchema, type RecipeData } from './recipe_data';

const KEY = 'spikingformer';

/** What prediction needs to know of a network's samples. */
export interface ModelData {
  classNames: readonly string[];
  /** As in a recipe. */
  data: RecipeData;
  evaluation?: Recipe['evaluation'];
}

const schema = z.object({
  classNames: z.array(z.string()),
  data: dataSchema,
  evaluation: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Writes into the model what its samples are, which is then saved with it: `spikingformer predict` reads it there.
 *
 * ```ts
 * describeModel(model, recipe, train.classNames);
 * await model.save(fileHandler('./model'));
 * ```
 */
export function describeModel(
  model: tf.LayersModel,
  { data, evaluation }: Pick<Recipe, 'data' | 'evaluation'>,
  classNames: readonly string[],
): void {
  const { folder: _, ...known } = data;
  model.setUserDefinedMetadata({
    ...model.getUserDefinedMetadata(),
    [KEY]: { classNames: [...classNames], data: known, ...(evaluation && { evaluation }) },
  });
}

/** Undefined if the model has no such record. @throws if the record has another form */
export function dataOfModel(model: tf.LayersModel): ModelData | undefined {
  const recorded: unknown = (
    model.getUserDefinedMetadata() as Record<string, unknown> | undefined
  )?.[KEY];
  if (recorded === undefined) return undefined;
  const { success, data } = schema.safeParse(recorded);
  if (success) return data as ModelData;
  throw new Error(`${model.name} must have class names and data in its metadata, but has others`);
}
