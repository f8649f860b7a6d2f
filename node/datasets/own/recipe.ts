/** A recipe and a folder of your own: what is found there goes into the recipe, whose splits are then samples. */
import { stringify } from 'yaml';
import { DatasetError } from '../../../datasets/dataset_error';
import { defined } from '../../../lib/defined';
import { checkKeys } from '../../../lib/validate';
import { parseRecipe } from '../../../training/parse_recipe';
import type { Recipe } from '../../../training/recipe';
import type { Split } from '../info';
import { imageRules } from './image';
import { type OwnOptions, type OwnSplit, openOwnData } from './own_data';
import type { Size } from './recording';
import { type Survey, surveyOwnData } from './survey';

/** Share that is held out. */
const SPLIT = 0.1;

/** What stands against the recipe's `data`. */
export interface FindOwnDataOptions extends Pick<OwnOptions, 'onProgress' | 'signal'> {
  folder?: string;
  /** The share of each class that is held out, above 0 and below 1, if no folder is. */
  split?: number;
  /** Height and width that the network takes, in pixels. */
  size?: Size;
  /** Only these class folders, in this order. */
  classNames?: readonly string[];
}

/** The recipe with what was found. */
export interface FoundOwnData {
  recipe: Recipe;
  survey: Survey;
}

/**
 * Looks through the folder of a recipe whose data are own-images or own-events, as `spikingformer train --data` does:
 * the recipe that is returned has classes, size, sensor, mean, deviation and counts; the survey has what is wrong.
 *
 * ```ts
 * const asked = parseRecipe(await readFile('recipe.yaml', 'utf8'), 'recipe.yaml');
 * const { recipe, survey } = await findOwnData(asked, { folder: './flowers' });
 * const [train, test] = [await openOwnSplit(recipe, 'train'), await openOwnSplit(recipe, 'test')];
 * ```
 *
 * @throws DatasetError if there is no folder, nothing in it that could be classified, or no sample that can be read
 */
export async function findOwnData(
  recipe: Recipe,
  options: FindOwnDataOptions = {},
): Promise<FoundOwnData> {
  checkKeys('findOwnData', options, OPTIONS);
  const { data, model, evaluation = {} } = recipe;
  const root = folderOf(recipe, options.folder);
  const split = options.split ?? data.split ?? SPLIT;
  const { sensor, mean, std, channels, splitBy = 'number' } = data;
  const survey = await surveyOwnData({
    ...{ root, kind: kindOf(recipe), split, seed: recipe.seed },
    ...{ splitBy, frames: model.timeSteps ?? 1 },
    ...{ cropPct: evaluation.cropPct ?? 1, interpolation: evaluation.interpolation ?? 'bilinear' },
    ...defined({ size: options.size ?? data.size, sensor, mean, std, channels }),
    ...defined({ classNames: options.classNames ?? data.classNames }),
    ...defined({ onProgress: options.onProgress, signal: options.signal }),
  });
  return { recipe: withSurvey(recipe, root, survey, split), survey };
}

const OPTIONS = ['folder', 'split', 'size', 'classNames', 'onProgress', 'signal'];

function folderOf({ data, name }: Recipe, given: string | undefined): string {
  const folder = given ?? data.folder;
  if (folder !== undefined) return folder;
  throw new DatasetError(
    `folder must name the data of ${name}, but neither it nor the recipe does`,
  );
}

function kindOf({ data, name }: Recipe): 'images' | 'events' {
  if (data.name === 'own-images') return 'images';
  if (data.name === 'own-events') return 'events';
  throw new DatasetError(
    `data.name of ${name} must be own-images or own-events, but is ${data.name}`,
  );
}

function withSurvey(recipe: Recipe, folder: string, survey: Survey, split: number): Recipe {
  const { counts, classNames, size, sensor, channels, mean, std } = survey;
  const samples = { train: total(counts.train), test: total(counts.test) };
  const found = defined({ classNames, size, sensor, channels, mean, std, samples });
  const { model, batchSize, accumulate = 1 } = recipe;
  const patch = model.preset === undefined && model.patchSize === undefined;
  const fits = Math.min(batchSize, Math.max(1, Math.floor(samples.train / accumulate)));
  const changed = {
    ...recipe,
    model: { ...model, ...(patch && { patchSize: Math.max(...size) > 48 ? 16 : 8 }) },
    data: { ...recipe.data, folder, ...found, ...(survey.testFolder === undefined && { split }) },
    ...{ batchSize: fits, effectiveBatch: fits * accumulate },
  };
  return parseRecipe(stringify(changed), recipe.name);
}

const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);

/**
 * One split of a recipe's own data, as `findOwnData` found it.
 *
 * @param folder stands against the recipe's
 * @throws DatasetError if the recipe lacks what findOwnData finds, or the folder has no such data any more
 */
export async function openOwnSplit(
  recipe: Recipe,
  split: Split,
  folder?: string,
): Promise<OwnSplit> {
  const { data, model, evaluation, seed, name } = recipe;
  const { splitBy = 'number', sensor, channels = 3, classNames, mean, std, size } = data;
  const kind = kindOf(recipe);
  if (!size || !classNames) {
    throw new DatasetError(
      `data of ${name} must have size and classNames, which \`train --data FOLDER\` and findOwnData find`,
    );
  }
  const options: OwnOptions = {
    ...{ root: folderOf(recipe, folder), seed, split: data.split ?? SPLIT, classNames, kind },
    rules:
      kind === 'images'
        ? { kind, ...imageRules(size, channels, evaluation) }
        : { kind, frames: model.timeSteps!, splitBy, size, ...defined({ sensor }) },
    ...defined({ mean, std }),
  };
  return openOwnData(options, split);
}
