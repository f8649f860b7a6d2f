/**
 * Trains the demo page's network for sentences by the recipe sentences-1-64, and saves it with its embedding in 16 bits:
 * `npm run demo:train-text`, minutes on 2 cores.
 */
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { fileHandler, prepareDataset, ratedSentences } from 'tfjs-spikingformer/node';
import * as training from 'tfjs-spikingformer/training';
import { saveWithHalfEmbedding } from './_half_embedding';
import { textObserver, useBackend } from './_tools';

const OUT = 'weights/sentences';
const RECIPE = 'recipes/sentences-1-64.yaml';

const chosen = await useBackend(undefined);
if (chosen) console.log(chosen);
await prepareDataset('ratedsentences');
const [train, test] = await Promise.all(
  (['train', 'test'] as const).map((split) => ratedSentences({ split })),
);
const recipe = training.parseRecipe(readFileSync(RECIPE, 'utf8'), RECIPE);
const model = training.modelFromRecipe(recipe);
const config = training.trainerConfigFromRecipe(recipe, { train: train!, test: test! });
const trainer = new training.Trainer({ ...config, model, observers: [textObserver()] });
for await (const _ of trainer.run());
training.describeModel(model, recipe, train!.classNames);
await saveWithHalfEmbedding(model, fileHandler(OUT));

const all = training.testDataFromRecipe(recipe, { test: test! });
const { accuracy, loss } = await training.evaluate(model, all);
const saved = await training.evaluate(await tf.loadLayersModel(fileHandler(OUT)), all);
if (saved.accuracy !== accuracy || saved.loss !== loss) {
  throw new Error(`its loss must be ${loss} when loaded, not ${saved.loss}`);
}
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %, trained on ${tf.getBackend()}`);
console.log(`saved in ${OUT}: as right when loaded`);
