/** `model.fit` that is stopped and goes on in another model. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { CheckpointCallback } from '../../../node/runs/checkpoint_callback';
import { CheckpointStore } from '../../../node/runs/checkpoints';
import { AdamW } from '../../../training/adamw';
import { WeightAverage } from '../../../training/weight_average';
import '../../support/backends';
import { temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();

function compiled(value: number): tf.LayersModel {
  const kernelInitializer = tf.initializers.constant({ value });
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 3, inputShape: [4], name: 'd', kernelInitializer })],
  });
  model.compile({ optimizer: new AdamW({ learningRate: 0.05 }), loss: 'meanSquaredError' });
  return model;
}

test('goes on with weights, moments and average as they were', async () => {
  await tf.setBackend('cpu');
  const x = tf.randomNormal([8, 4], 0, 1, 'float32', 1);
  const y = tf.randomNormal([8, 3], 0, 1, 'float32', 2);
  const train = async (model: tf.LayersModel, epochs: number, folder?: string) => {
    const average = new WeightAverage(model, 0.5);
    const store = new CheckpointStore(join(directory, folder ?? 'unused'));
    const checkpoints = new CheckpointCallback(store, average);
    const initialEpoch = folder ? await checkpoints.resume(model) : 0;
    const update = new tf.CustomCallback({ onBatchEnd: async () => average.update() });
    const options = { epochs, initialEpoch, shuffle: false, batchSize: 4, verbose: 0 as const };
    await model.fit(x, y, { ...options, callbacks: folder ? [update, checkpoints] : [update] });
    const values = (tensors: Iterable<tf.Tensor>) => [...tensors].map((t) => [...t.dataSync()]);
    return {
      initialEpoch,
      state: [...values(model.getWeights()), ...values(average.state.values())],
    };
  };
  const whole = await train(compiled(0.5), 5);
  const first = await train(compiled(0.5), 2, 'run');
  expect(first.initialEpoch).toBe(0);
  const second = await train(compiled(0.1), 5, 'run');
  expect(second.initialEpoch).toBe(2);
  expect(second.state).toEqual(whole.state);
});

describe('accuracy', () => {
  const x = () => tf.randomNormal([12, 4], 0, 1, 'float32', 1);
  const y = () => tf.oneHot(tf.range(0, 12, 1, 'int32').mod(tf.scalar(3, 'int32')), 3);
  const classifier = () => {
    const model = compiled(0.5);
    model.compile({ optimizer: new AdamW(), loss: 'meanSquaredError', metrics: ['accuracy'] });
    return model;
  };
  const run = async (store: CheckpointStore, validationData?: [tf.Tensor, tf.Tensor]) => {
    const options = { epochs: 1, verbose: 0 as const, validationData };
    await classifier().fit(x(), y(), { ...options, callbacks: new CheckpointCallback(store) });
    return (await store.newest(() => undefined))!.manifest;
  };

  test('of training data is none of test data, and chooses no best', async () => {
    await tf.setBackend('cpu');
    const store = new CheckpointStore(join(directory, 'without'));
    const { history, metric } = await run(store);
    expect(history[0]!.trainAccuracy).toEqual(expect.any(Number));
    expect(history[0]!.testAccuracy).toBeNull();
    expect(metric).toBeNull();
    expect(await store.best()).toBeNull();
  });

  test('of validation data chooses the best', async () => {
    const store = new CheckpointStore(join(directory, 'with'));
    const { history, metric } = await run(store, [x(), y()]);
    expect(metric).toEqual(expect.any(Number));
    expect(history[0]!.testAccuracy).toBe(metric);
    expect((await store.best())!.manifest.metric).toBe(metric);
  });
});

test.each(['the same callback', 'another one, and another store'])(
  'a second fit in one folder, by %s, is kept as a run of its own',
  async (which) => {
    await tf.setBackend('cpu');
    const folder = join(directory, which.slice(0, 5));
    const store = new CheckpointStore(folder);
    let checkpoints = new CheckpointCallback(store);
    const x = tf.randomNormal([8, 4], 0, 1, 'float32', 1);
    const run = async (value: number, epochs: number) => {
      const model = compiled(value);
      const y = tf.randomNormal([8, 3], 0, 1, 'float32', 2);
      await model.fit(x, y, { epochs, verbose: 0, callbacks: checkpoints });
      return model;
    };
    await run(0.5, 3);
    if (which !== 'the same callback') {
      checkpoints = new CheckpointCallback(new CheckpointStore(folder));
    }
    const second = await run(-0.5, 2);
    const restored = compiled(0);
    expect(await new CheckpointCallback(new CheckpointStore(folder)).resume(restored)).toBe(2);
    const values = (model: tf.LayersModel) => model.getWeights().map((w) => [...w.dataSync()]);
    expect(values(restored)).toEqual(values(second));
    const { manifest } = (await store.newest(() => undefined))!;
    expect(manifest.history.map(({ epoch }) => epoch)).toEqual([0, 1]);
  },
);
