/**
 * A fresh process that knows nothing of the training: tfjs, tfjs-spikingformer/node and the saved
 * model. `tsx examples/_evaluate.ts DIR DATASET BACKEND`; its last line is the accuracy, 0 to 1.
 */
import * as tf from '@tensorflow/tfjs';
import { cifar10, fileHandler, mnist } from 'tfjs-spikingformer/node';
import { evaluate, evaluationData } from 'tfjs-spikingformer/training';
import { useBackend } from './_tools';

const [dir, dataset, backend] = process.argv.slice(2);
await useBackend(backend);
const model = await tf.loadLayersModel(fileHandler(dir));
const test = await (dataset === 'mnist' ? mnist : cifar10)({ split: 'test' });
const { accuracy } = await evaluate(model, evaluationData(test, { batchSize: 100 }));
console.log(accuracy);
