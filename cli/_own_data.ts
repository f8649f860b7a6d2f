/** A recipe and a folder of your own: what is found there goes into the recipe, and what is wrong is reported. */
import { existsSync, statSync } from 'node:fs';
import { stringify } from 'yaml';
import { defined } from '../lib/defined';
import { imageRules } from '../node/datasets/own/image';
import { few, kindOfOwnData, type LeftOut } from '../node/datasets/own/listing';
import { type OwnOptions, openOwnData } from '../node/datasets/own/own_data';
import { type Survey, type SurveyOptions, surveyOwnData } from '../node/datasets/own/survey';
import { parseRecipe } from '../training/parse_recipe';
import type { Recipe } from '../training/recipe';
import { isOwnData } from '../training/recipe_data';
import { UsageError } from './shared/errors';
import { printable } from './shared/printable';
import { type Progress, showProgress } from './shared/progress';

/** The options by which a command takes your own data. */
export interface OwnArguments {
  data?: string;
  split?: number;
  size?: [number, number];
  classes?: string[];
}

/** Share that is held out. */
const SPLIT = 0.1;
/** From so many times as many samples in one class as in another on, they are out of balance. */
const IMBALANCE = 3;

/** The recipe that a folder is trained by if none is named. @throws UsageError unless it is a folder */
export async function recipeForFolder(folder: string): Promise<string> {
  checkFolder(folder);
  return `own-${await kindOfOwnData(folder)}`;
}

function checkFolder(folder: string): void {
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  throw new UsageError(`--data must be a folder, but got '${folder}'`);
}

/** @throws UsageError if options for your own data come with a data set by name */
export function checkOwnArguments({ split, size, classes }: OwnArguments, recipe: Recipe): void {
  const given = Object.entries({ split, size, classes }).find(([, value]) => value !== undefined);
  if (!given || isOwnData(recipe.data.name)) return;
  throw new UsageError(
    `--${given[0]} is for data of your own, but ${recipe.name} trains on ${recipe.data.name}`,
  );
}

function folderOf({ data }: Recipe, given: string | undefined): string {
  const folder = given ?? data.folder;
  if (folder === undefined) throw new UsageError('data of your own: --data names their folder');
  checkFolder(folder);
  return folder;
}

/** The recipe with classes, size, statistics and counts; what was found, for the run's data.json. */
export async function findOwnData(
  recipe: Recipe,
  options: OwnArguments,
): Promise<{ recipe: Recipe; survey: Survey }> {
  const root = folderOf(recipe, options.data);
  const { data, model, evaluation = {} } = recipe;
  const { size, sensor, mean, std, channels, splitBy = 'number' } = data;
  let bar: Progress | undefined;
  const asked: SurveyOptions = {
    root,
    kind: data.name === 'own-images' ? 'images' : 'events',
    split: options.split ?? data.split ?? SPLIT,
    seed: recipe.seed,
    ...{ splitBy, frames: model.timeSteps ?? 1 },
    ...{ cropPct: evaluation.cropPct ?? 1, interpolation: evaluation.interpolation ?? 'bilinear' },
    ...defined({ size: options.size ?? size, sensor, mean, std, channels }),
    ...defined({ classNames: options.classes ?? data.classNames }),
    onProgress(part, done, total) {
      if (done === 0) bar = showProgress(`reading ${part} samples`, total, process.stderr);
      bar?.update(done);
      if (done === total) bar?.stop();
    },
  };
  const survey = await surveyOwnData(asked).finally(() => bar?.stop());
  if (options.split !== undefined && survey.testFolder !== undefined) {
    throw new UsageError(
      `--split is for data without a folder to test on, but there is ${survey.testFolder}`,
    );
  }
  return { recipe: withSurvey(recipe, root, survey, asked.split), survey };
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

/** Of a new run: lines or JSON on stdout, what is doubtful on stderr. */
export function reportSurvey(survey: Survey, json?: boolean): void {
  const { lines, warnings } = describeSurvey(survey);
  for (const warning of warnings) console.error(`warning: ${warning}`);
  console.log(json ? JSON.stringify({ event: 'data', ...survey }) : lines.join('\n'));
}

/** What a run keeps of it. */
export const surveyJson = (survey: Survey) =>
  new TextEncoder().encode(`${JSON.stringify(survey, null, 1)}\n`);

/** What is worth a line: classes and their samples, what could not be read, what makes the figures doubtful. */
export function describeSurvey(survey: Survey): { lines: string[]; warnings: string[] } {
  const { counts, classNames, size, kind, unreadable, leftOut, repeated, testFolder } = survey;
  const of = classNames.map(
    (name, k) => `${printable(name)} ${counts.train[k]! + counts.test[k]!}`,
  );
  const [least, most] = [Math.min(...counts.train), Math.max(...counts.train)];
  const held = testFolder ? `in ${printable(testFolder)}` : 'held out';
  const lines = [
    `${classNames.length} classes: ${few(of, 20)}`,
    `${total(counts.train)} ${kind === 'images' ? 'images' : 'recordings'} to train on, ${total(counts.test)} ${held}, as ${size.join(' x ')}`,
  ];
  const warnings: string[] = [];
  if (most >= IMBALANCE * least) {
    const [rare, frequent] = [least, most].map((n) =>
      printable(classNames[counts.train.indexOf(n)]!),
    );
    const share = ((100 * Math.max(...counts.test)) / total(counts.test)).toFixed(0);
    warnings.push(
      `classes are out of balance: ${frequent} has ${most} samples to train on, ${rare} ${least}; ` +
        `one answer for all would be right in ${share} % of the tests`,
    );
  }
  const untested = classNames.filter((_, k) => counts.test[k] === 0).map(printable);
  if (untested.length > 0) warnings.push(`no sample to test: ${few(untested)}`);
  const listed = (what: string, files: readonly LeftOut[]) => {
    if (files.length === 0) return;
    const named = files.map(({ name, reason }) => `${printable(name)} (${printable(reason)})`);
    warnings.push(`${what.replace('#', String(files.length))}: ${few(named)}`);
  };
  listed('# not readable and left out', unreadable);
  listed('# of other kinds left out', leftOut);
  if (repeated.length > 0) {
    const named = few(repeated.map(printable));
    warnings.push(
      `of the test samples ${repeated.length} also among the training samples: ${named}`,
    );
  }
  return { lines, warnings };
}

/** One split of a recipe's own data, as it was found. */
export function openOwnSplit(recipe: Recipe, split: 'train' | 'test', given?: string) {
  const { data, model, evaluation, seed } = recipe;
  const { splitBy = 'number', sensor, channels = 3, classNames, mean, std, size } = data;
  if (!size || !classNames) {
    throw new UsageError(`${recipe.name} has not seen its data: train --data FOLDER finds them`);
  }
  const isImages = data.name === 'own-images';
  const options: OwnOptions = {
    ...{ root: folderOf(recipe, given), seed, split: data.split ?? SPLIT, classNames },
    kind: isImages ? 'images' : 'events',
    rules: isImages
      ? { kind: 'images', ...imageRules(size, channels, evaluation) }
      : { kind: 'events', frames: model.timeSteps!, splitBy, size, ...defined({ sensor }) },
    ...defined({ mean, std }),
  };
  return openOwnData(options, split);
}
