/** `spikingformer predict`: what a model takes samples for, held-out ones or those of a file. */
import * as tf from '@tensorflow/tfjs';
import '../node/index';
import { heldOut } from './_held_out';
import { type OpenOptions, openModel, placeOfModel, recipeFor } from './_model';
import { type Prediction, predictionsOf } from './_predictions';
import { readRecipe } from './_recipes';
import { openSplit } from './_run_folder';
import { samplesOf } from './_samples';
import { useBackend } from './shared/choose_backend';
import { abortOnInterrupt } from './shared/interrupt';

export interface PredictArguments extends Omit<OpenOptions, 'recipe'> {
  recipe?: string;
  samples: number;
  backend?: string;
  data?: string;
  partial?: boolean;
  json?: boolean;
}

/** Samples that the network is given at once. */
const BATCH = 64;

export async function predict(
  name: string,
  file: string | undefined,
  options: PredictArguments,
): Promise<void> {
  const { samples: count, json } = options;
  placeOfModel(name);
  const given = options.recipe === undefined ? undefined : readRecipe(options.recipe);
  const chosen = await useBackend(options.backend);
  const { model, recipe: own } = await openModel(name, { ...options, recipe: given });
  const recipe = recipeFor(name, given, own);
  const found =
    file === undefined
      ? await heldOut(recipe, count, options)
      : {
          x: samplesOf(file, model.inputs[0]!.shape.slice(1) as number[], count, recipe.data).x,
          classNames: (await openSplit(recipe, 'test', options)).classNames,
          labels: undefined,
        };
  if (chosen && !json) console.log(chosen);
  const signal = abortOnInterrupt();
  const { x, labels, classNames } = found;
  const show = json ? jsonLine : textLine;
  for (let from = 0; from < x.shape[0]!; from += BATCH) {
    await tf.nextFrame(); // lets Ctrl-C through
    signal.throwIfAborted();
    const size = Math.min(BATCH, x.shape[0]! - from);
    const batch = x.slice([from], [size]);
    const predicted = await predictionsOf(model, batch);
    batch.dispose();
    predicted.forEach((prediction, i) => {
      const label = labels && classNames[labels[from + i]!];
      console.log(show(from + i, prediction, classNames, label));
    });
  }
  x.dispose();
  model.dispose();
}

type Line = (i: number, found: Prediction, names: readonly string[], label?: string) => string;

const jsonLine: Line = (i, { best, shares }, names, label) => {
  const all = Object.fromEntries(names.map((name, k) => [name, shares[k]]));
  return JSON.stringify({ sample: i, prediction: names[best], label, probabilities: all });
};

const textLine: Line = (i, { best, shares }, names, label) => {
  const truth = label === undefined ? '' : label === names[best] ? '  right' : `  is ${label}`;
  return `${String(i).padStart(4)}  ${names[best]} ${(100 * shares[best]!).toFixed(1)} %${truth}`;
};
