/** Trains weights/recordings, the demo page's network for events, on `digits_as_events.ts`. `npm run demo:train-events`. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { dataSets } from 'tfjs-spikingformer/datasets';
import { fileHandler, mnist, prepareDataset } from 'tfjs-spikingformer/node';
import * as training from 'tfjs-spikingformer/training';
import { textObserver, useBackend } from './_tools';
import { asEvents, FRAMES } from './digits_as_events';

const OUT = 'weights/recordings';
const SEED = 42;
const EPOCHS = 3;
const SAMPLES_PER_EPOCH = 5000;
const BATCH = 50;

const chosen = await useBackend(undefined);
if (chosen) console.log(chosen);
await prepareDataset('mnist');
const [train, test] = await Promise.all(
  (['train', 'test'] as const).map(async (split) => asEvents(await mnist({ split }))),
);
const model = training.seededWeights(SEED, () =>
  spiking.models.spikingformer({
    inputShape: [FRAMES, ...dataSets.nmnist.sample],
    numClasses: dataSets.nmnist.classes,
    embedDim: 32,
    depth: 1,
    numHeads: 2,
    patchSize: 8,
  }),
);
const batches = training.trainingData(train!, { batchSize: BATCH, seed: SEED });
const trainer = new training.Trainer({
  model,
  optimizer: training.adamW(),
  schedule: training.cosineSchedule({ learningRate: 0.006, epochs: EPOCHS }),
  train: { ...batches, batchesPerEpoch: SAMPLES_PER_EPOCH / BATCH },
  test: training.evaluationData(training.firstSamples(test!, 500), { batchSize: BATCH }),
  observers: [textObserver()],
});
for await (const _ of trainer.run());
const [height, width] = dataSets.nmnist.sample;
const size: [number, number] = [height, width];
const classNames = [...train!.classNames];
const data = { name: 'own-events', splitBy: 'time', size, sensor: size, classNames } as const;
training.describeModel(model, { data }, classNames);
await model.save(fileHandler(OUT));
console.log(`saved in ${OUT}, trained on ${tf.getBackend()}`);
