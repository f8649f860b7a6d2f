/**
 * Trains the demo page's network for events: MNIST before an event camera that jerks, made by
 * `browser/network/saccades.ts`. `npm run demo:train-events`.
 */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { dataSets, eventsToFrames, type SampleSource } from 'tfjs-spikingformer/datasets';
import { type Dataset, fileHandler, mnist, prepareDataset } from 'tfjs-spikingformer/node';
import * as training from 'tfjs-spikingformer/training';
import { textObserver, useBackend } from './_tools';
import { saccades } from './browser/network/saccades';

const OUT = 'examples/browser/model-events';
const FRAMES = 8;
const SEED = 42;
const EPOCHS = 3;
const SAMPLES_PER_EPOCH = 5000;
const BATCH = 50;

/** The digits as recordings, made when they are read. */
function asEvents(digits: Dataset): SampleSource {
  const { name, split, length, classNames } = digits;
  return {
    ...{ name: `${name}-events`, split, length, classNames },
    async read(index) {
      const { data, label } = await digits.read(index);
      const events = saccades(data as Uint8Array);
      return { ...eventsToFrames(events, { frames: FRAMES, splitBy: 'time' }), label };
    },
  };
}

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
const data = training.trainingData(train!, { batchSize: BATCH, seed: SEED });
const trainer = new training.Trainer({
  model,
  optimizer: training.adamW(),
  schedule: training.cosineSchedule({ learningRate: 0.006, epochs: EPOCHS }),
  train: { ...data, batchesPerEpoch: SAMPLES_PER_EPOCH / BATCH },
  test: training.evaluationData(training.firstSamples(test!, 500), { batchSize: BATCH }),
  observers: [textObserver()],
});
for await (const _ of trainer.run());
await model.save(fileHandler(OUT));
console.log(`saved in ${OUT}, trained on ${tf.getBackend()}`);
