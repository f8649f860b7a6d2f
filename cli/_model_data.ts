/** What a saved model records about its samples: class names, sizes and statistics, in its model.json. */
import type * as tf from '@tensorflow/tfjs';
import { isRecord } from '../node/files/json';
import type { Recipe } from '../training/recipe';
import { dataSchema, type RecipeData } from '../training/recipe_data';

const KEY = 'spikingformer';

/** What prediction needs to know of a network's samples. */
export interface ModelData {
  classNames: readonly string[];
  data: RecipeData;
  evaluation?: Recipe['evaluation'];
}

/** Writes it into the model, which is then saved with it. */
export function describeModel(
  model: tf.LayersModel,
  { data, evaluation }: Recipe,
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
  const { classNames, data, evaluation } = isRecord(recorded) ? recorded : {};
  const parsed = dataSchema.safeParse(data);
  const named = Array.isArray(classNames) && classNames.every((name) => typeof name === 'string');
  if (!named || !parsed.success) {
    throw new Error(`${model.name} must have class names and data in its metadata, but has others`);
  }
  return { classNames, data: parsed.data, ...(isRecord(evaluation) && { evaluation }) };
}
