/** `model.fit` that is stopped and goes on in another model. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { CheckpointCallback } from '../../node/checkpoint_callback';
import { CheckpointStore } from '../../node/checkpoints';
import { AdamW } from '../../training/adamw';
import { WeightAverage } from '../../training/weight_average';
import '../support/backends';
import { temporaryDirectory } from '../support/process';

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
