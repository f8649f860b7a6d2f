/** `spikingformer predict`: what a run's model takes samples for, held-out ones or those of a file. */
import * as tf from '@tensorflow/tfjs';
import '../node/index';
import { probabilities } from '../training/evaluation';
import { testDataFromRecipe } from '../training/from_recipe';
import type { Recipe } from '../training/recipe';
import { logitsOf } from '../training/training_data';
import { useBackend } from './_choose_backend';
import { loadRunModel, openSplit, recipeOf, type WhichCheckpoint } from './_run_folder';
import { samplesOf } from './_samples';

export interface PredictArguments {
  samples: number;
  checkpoint: WhichCheckpoint;
  backend?: string;
  data?: string;
  json?: boolean;
}

/** Samples for the network, with their classes where those are known. */
interface Given {
  x: tf.Tensor;
  classNames: readonly string[];
  labels?: Int32Array;
}

async function heldOut(recipe: Recipe, count: number, root?: string): Promise<Given> {
  const source = await openSplit(recipe, 'test', root);
  const few: Recipe = { ...recipe, evaluation: { ...recipe.evaluation, batchSize: count } };
  for await (const { data, shape, labels } of testDataFromRecipe(few, { test: source }).batches()) {
    return { x: tf.tensor(data, shape), labels, classNames: source.classNames };
  }
  throw new Error(`${recipe.data.name} has no held-out samples`);
}

export async function predict(
  run: string,
  file: string | undefined,
  options: PredictArguments,
): Promise<void> {
  const { samples: count } = options;
  const recipe = recipeOf(run);
  const chosen = await useBackend(options.backend);
  const { model } = await loadRunModel(run, options.checkpoint);
  const { x, labels, classNames }: Given =
    file === undefined
      ? await heldOut(recipe, count, options.data)
      : {
          x: samplesOf(file, model.inputs[0]!.shape.slice(1) as number[], count, recipe.data).x,
          classNames: (await openSplit(recipe, 'test', options.data)).classNames,
        };
  if (chosen && !options.json) console.log(chosen);
  const logits = tf.tidy(() => logitsOf(model, x, false));
  const values = (await logits.data()) as Float32Array;
  const classes = classNames.length;
  for (let i = 0; i < x.shape[0]!; i++) {
    const shares = probabilities(values.subarray(i * classes, (i + 1) * classes));
    const best = shares.indexOf(Math.max(...shares));
    const label = labels && classNames[labels[i]!];
    if (options.json) {
      const all = Object.fromEntries(classNames.map((name, k) => [name, shares[k]]));
      console.log(
        JSON.stringify({ sample: i, prediction: classNames[best], label, probabilities: all }),
      );
    } else {
      const truth =
        label === undefined ? '' : label === classNames[best] ? '  right' : `  is ${label}`;
      console.log(
        `${String(i).padStart(4)}  ${classNames[best]} ${(100 * shares[best]!).toFixed(1)} %${truth}`,
      );
    }
  }
  tf.dispose([x, logits]);
  model.dispose();
}
