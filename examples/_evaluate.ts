/**
 * A fresh process that knows nothing of the training: tfjs, tfjs-spikingformer/node and the saved
 * model. `tsx examples/_evaluate.ts DIR DATASET BACKEND`; its last line is the accuracy, 0 to 1.
 */
import * as tf from '@tensorflow/tfjs';
import { fileHandler } from 'tfjs-spikingformer/node';
import { datasets } from './_data';
import { accuracyOf, useBackend } from './_training';

const [dir, dataset, backend] = process.argv.slice(2);
await useBackend(backend);
const model = await tf.loadLayersModel(fileHandler(dir));
const { test } = await datasets[dataset as keyof typeof datasets]();
console.log(await accuracyOf(model, test));
