/** `spikingformer evaluate`: accuracy, loss, and how well each class is known. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fileHandler } from '../node/file_handler';
import '../node/index';
import { type Evaluation, evaluate } from '../training/evaluation';
import { testDataFromRecipe } from '../training/from_recipe';
import type { Recipe } from '../training/recipe';
import { useBackend } from './_choose_backend';
import { UsageError } from './_errors';
import { abortOnInterrupt } from './_interrupt';
import { showProgress } from './_progress';
import { readRecipe } from './_recipes';
import { loadRunModel, openSplit, RECIPE, recipeOf, type WhichCheckpoint } from './_run_folder';

export interface EvaluateArguments {
  recipe?: string;
  checkpoint: WhichCheckpoint;
  samples?: number;
  backend?: string;
  data?: string;
  json?: boolean;
}

async function open(path: string, options: EvaluateArguments) {
  if (existsSync(join(path, RECIPE))) {
    const recipe = options.recipe === undefined ? recipeOf(path) : readRecipe(options.recipe);
    return { recipe, ...(await loadRunModel(path, options.checkpoint)) };
  }
  if (options.recipe === undefined) {
    throw new UsageError(
      `'${path}' is no run: a saved model needs --recipe, whose data it is measured on`,
    );
  }
  const recipe = readRecipe(options.recipe);
  return { recipe, model: await tf.loadLayersModel(fileHandler(path)), from: path };
}

export async function evaluateModel(path: string, options: EvaluateArguments): Promise<void> {
  const { samples } = options;
  const chosen = await useBackend(options.backend);
  const { recipe, model, from } = await open(path, options);
  const limited: Recipe = samples
    ? { ...recipe, data: { ...recipe.data, testSamples: samples } }
    : recipe;
  const data = testDataFromRecipe(limited, { test: await openSplit(recipe, 'test', options.data) });
  if (chosen && !options.json) console.log(chosen);
  const bar = process.stderr.isTTY
    ? showProgress('evaluating', data.length, process.stderr)
    : undefined;
  const signal = abortOnInterrupt();
  const onProgress = (done: number) => bar?.update(done);
  const result = await evaluate(model, data, { onProgress, signal }).finally(() => bar?.stop());
  const head = { model: from, backend: tf.getBackend() };
  console.log(
    options.json ? JSON.stringify({ ...head, ...result }) : text(result, data.classNames, from),
  );
  model.dispose();
}

function text(
  { samples, loss, accuracy, top5, confusion }: Evaluation,
  classNames: readonly string[],
  from: string,
) {
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const width = Math.max(...classNames.map(({ length }) => length));
  const rows = confusion.map((row, label) => {
    const total = row.reduce((a, b) => a + b);
    return `  ${classNames[label]!.padEnd(width)}  ${total === 0 ? '-' : percent(row[label]! / total)}`;
  });
  return [
    `${from}: ${percent(accuracy)} of ${samples} right, ${percent(top5)} among the first five, loss ${loss.toFixed(4)}`,
    ...(classNames.length <= 30 ? rows : []),
  ].join('\n');
}
