/** `spikingformer evaluate`: accuracy, loss, and accuracy by class. */
import * as tf from '@tensorflow/tfjs';
import '../node/index';
import { type Evaluation, evaluate } from '../training/evaluation';
import { heldOutData } from './_held_out';
import { type OpenOptions, openModel, placeOfModel, recipeFor } from './_model';
import { readRecipe } from './_recipes';
import { useBackend } from './shared/choose_backend';
import { abortOnInterrupt } from './shared/interrupt';
import { showProgress } from './shared/progress';
import { percent } from './shared/training_progress';

export interface EvaluateArguments extends Omit<OpenOptions, 'recipe'> {
  recipe?: string;
  samples?: number;
  backend?: string;
  data?: string;
  partial?: boolean;
  json?: boolean;
}

export async function evaluateModel(name: string, options: EvaluateArguments): Promise<void> {
  const { samples } = options;
  placeOfModel(name);
  const given = options.recipe === undefined ? undefined : readRecipe(options.recipe);
  const chosen = await useBackend(options.backend);
  const { model, from, recipe: own } = await openModel(name, { ...options, recipe: given });
  const recipe = recipeFor(name, given, own);
  const data = await heldOutData(recipe, samples, options);
  if (chosen && !options.json) console.log(chosen);
  const bar = showProgress('evaluating', data.length, process.stderr);
  const signal = abortOnInterrupt();
  const onProgress = (done: number) => bar.update(done);
  const result = await evaluate(model, data, { onProgress, signal }).finally(() => bar.stop());
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
  const width = Math.max(...classNames.map(({ length }) => length));
  const rows = confusion.map((row, label) => {
    const total = row.reduce((a, b) => a + b);
    return `  ${classNames[label]!.padEnd(width)}  ${total === 0 ? '-' : percent(row[label]! / total)}`;
  });
  return [
    from,
    `${percent(accuracy)} of ${samples} correct, ${percent(top5)} in the top five, loss ${loss.toFixed(4)}`,
    ...(classNames.length <= 30 ? rows : []),
  ].join('\n');
}
