/** A run's folder: recipe.yaml, checkpoints/, model/, metrics, report. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { dataSets } from '../datasets/data_sets';
import { datasetEntry, datasetNames } from '../node/datasets/registry';
import { CheckpointStore, type CheckpointStoreOptions } from '../node/runs/checkpoints';
import { fileHandler } from '../node/runs/file_handler';
import type { Recipe } from '../training/recipe';
import { isOwnData } from '../training/recipe_data';
import { openOwnSplit } from './_own_data';
import { readRecipe } from './_recipes';
import { UsageError } from './shared/errors';

export const RECIPE = 'recipe.yaml';

export const checkpointsOf = (run: string, options?: CheckpointStoreOptions) =>
  new CheckpointStore(join(run, 'checkpoints'), options);

/** The recipe of a run, as it was begun. */
export function recipeOf(run: string): Recipe {
  const path = join(run, RECIPE);
  if (!existsSync(path)) {
    throw new UsageError(
      `run must be the folder of a training run with a ${RECIPE}, but got '${run}'`,
    );
  }
  return readRecipe(path.startsWith('.') || path.startsWith('/') ? path : `./${path}`);
}

/** Where a command looks for data, and whether an incomplete set is enough. */
export interface DataPlace {
  data?: string;
  partial?: boolean;
}

/** One split of the recipe's data. @throws if its files are missing; the error tells how to get them */
export async function openSplit(
  recipe: Recipe,
  split: 'train' | 'test',
  { data: root, partial }: DataPlace,
) {
  const { name, splitBy = 'number' } = recipe.data;
  if (isOwnData(name)) return openOwnSplit(recipe, split, root);
  if (!(datasetNames as string[]).includes(name)) {
    throw new UsageError(
      `data set ${name} cannot be read from files here; available are ${datasetNames.join(', ')}`,
    );
  }
  const entry = datasetEntry(name);
  const options = { split, partial, ...(root === undefined ? {} : { root }) };
  const source =
    entry.kind === 'events'
      ? await entry.open({ ...options, frames: recipe.model.timeSteps!, splitBy })
      : await entry.open(options);
  const shape = (await source.read(0)).shape;
  const expected = dataSets[name].sample;
  if (recipe.data.name !== 'imagenet' && shape.slice(-3).join() !== expected.join()) {
    throw new Error(`samples of ${name} must have shape [${expected}], but have [${shape}]`);
  }
  return source;
}

/** The backend of a run's newest checkpoint; undefined if there is none yet. */
export async function backendOf(run: string): Promise<string | undefined> {
  const newest = await checkpointsOf(run).newest(() => undefined);
  const backend = newest?.manifest.environment.backend;
  return typeof backend === 'string' ? backend : undefined;
}

export type WhichCheckpoint = 'final' | 'best' | 'newest';

/** The model of a run: its final one, its best checkpoint's, or its newest. */
export async function loadRunModel(
  run: string,
  which: WhichCheckpoint,
): Promise<{ model: tf.LayersModel; from: string }> {
  const load = async (from: string) => ({
    model: await tf.loadLayersModel(fileHandler(from)),
    from,
  });
  if (which === 'final' && existsSync(join(run, 'model', 'model.json')))
    return load(join(run, 'model'));
  const store = checkpointsOf(run);
  const best = which === 'best' ? await store.best() : null;
  const found = best ?? (await store.newest((message) => console.error(`warning: ${message}`)));
  if (!found) throw new Error(`${run} has no checkpoint yet`);
  return load(found.folder);
}
