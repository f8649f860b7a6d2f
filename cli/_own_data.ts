/** A recipe and a folder of your own: what is found there goes into the recipe, and what is wrong is reported. */
import { existsSync, statSync } from 'node:fs';
import { defined } from '../lib/defined';
import { few, kindOfOwnData, type LeftOut } from '../node/datasets/own/listing';
import type { FoundOwnData } from '../node/datasets/own/recipe';
import * as own from '../node/datasets/own/recipe';
import type { Survey } from '../node/datasets/own/survey';
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
export async function findOwnData(recipe: Recipe, options: OwnArguments): Promise<FoundOwnData> {
  let bar: Progress | undefined;
  const { split, size, classes: classNames } = options;
  const found = await own
    .findOwnData(recipe, {
      ...{ folder: folderOf(recipe, options.data), ...defined({ split, size, classNames }) },
      onProgress(part, done, total) {
        if (done === 0) bar = showProgress(`reading ${part} samples`, total, process.stderr);
        bar?.update(done);
        if (done === total) bar?.stop();
      },
    })
    .finally(() => bar?.stop());
  const { testFolder } = found.survey;
  if (split === undefined || testFolder === undefined) return found;
  throw new UsageError(
    `--split is for data without a folder to test on, but there is ${testFolder}`,
  );
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
  const { size, classNames } = recipe.data;
  if (!size || !classNames) {
    throw new UsageError(`${recipe.name} has not seen its data: train --data FOLDER finds them`);
  }
  return own.openOwnSplit(recipe, split, folderOf(recipe, given));
}
