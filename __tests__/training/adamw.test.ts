/** AdamW in tf.layers: fit, save and load, what it refuses; clipping and accumulation beside it. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  type AdamWConfig,
  adamW,
  clipByGlobalNorm,
  GradientAccumulator,
  globalNorm,
} from 'tfjs-spikingformer/training';
import { fileHandler } from '../../node/runs/file_handler';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';
import { temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();

function dense(): tf.LayersModel {
  return tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], name: 'd' })] });
}

describeEachBackend('AdamW', (backend) => {
  test('trains through fit, is saved and loaded, and goes on as if it had not been', async () => {
    const x = tf.randomNormal([8, 4], 0, 1, 'float32', 1);
    const y = tf.randomNormal([8, 3], 0, 1, 'float32', 2);
    const trainFor = (model: tf.LayersModel, epochs: number) =>
      model.fit(x, y, { epochs, shuffle: false, batchSize: 4, verbose: 0 });
    const model = dense();
    model.compile({
      optimizer: adamW({ learningRate: 0.01, weightDecay: 0.1 }),
      loss: 'meanSquaredError',
    });
    await trainFor(model, 2);
    const path = join(directory, backend);
    await model.save(fileHandler(path), { includeOptimizer: true });

    const loaded = await tf.loadLayersModel(fileHandler(path));
    expect(loaded.optimizer.getClassName()).toBe('AdamW');
    expect(loaded.optimizer.getConfig()).toEqual(model.optimizer.getConfig());
    expect(loaded.optimizer.iterations).toBe(4);
    // Both are alive: the loaded one's variables have other names in this process.
    const renamed = (await model.optimizer.getWeights()).map(({ name, tensor }) => {
      const i = model.weights.findIndex((w) => name.startsWith(`${w.name}/`));
      const own = i < 0 ? name : name.replace(model.weights[i]!.name, loaded.weights[i]!.name);
      return { name: own, tensor };
    });
    await loaded.optimizer.setWeights(renamed);
    await trainFor(model, 3);
    await trainFor(loaded, 3);
    expect(loaded.getWeights().map((w) => [...w.dataSync()])).toEqual(
      model.getWeights().map((w) => [...w.dataSync()]),
    );
  });

  test('decays nothing that has no gradient; frees what it holds', async () => {
    const make = (name: string) =>
      tf.tidy(() => tf.variable(tf.tensor2d([[1, 2]]), true, `${backend}_${name}/kernel`));
    const [used, unused] = [make('used'), make('unused')];
    await expectNoLeak(() => {
      const optimizer = adamW({ weightDecay: 0.5 });
      for (let step = 0; step < 3; step++) {
        optimizer.minimize(() => used.square().sum().asScalar(), false, [used, unused]);
      }
      expect([...unused.dataSync()]).toEqual([1, 2]);
      expect(used.dataSync()[0]).toBeLessThan(1);
      optimizer.dispose();
    });
    tf.dispose([used, unused]);
  });

  test('clips all gradients together, as PyTorch does', () => {
    tf.tidy(() => {
      const grads = { a: tf.tensor([3, 0]), b: tf.tensor([[4]]) };
      expect(globalNorm(grads).dataSync()[0]).toBeCloseTo(5, 5);
      const { clipped, norm } = clipByGlobalNorm(grads, 1);
      expect(norm.dataSync()[0]).toBeCloseTo(5, 5);
      expect(clipped.a!.dataSync()[0]).toBeCloseTo(3 / (5 + 1e-6), 6);
      expect(clipped.b!.dataSync()[0]).toBeCloseTo(4 / (5 + 1e-6), 6);
      expect([...clipByGlobalNorm(grads, 10).clipped.a!.dataSync()]).toEqual([3, 0]);
    });
    expect(() => clipByGlobalNorm({}, 0)).toThrow(/maxNorm must be a positive finite number/);
  });

  test('accumulates: two halves are the mean of both', async () => {
    await expectNoLeak(() => {
      const sum = new GradientAccumulator();
      expect(() => sum.takeMean()).toThrow(/no gradients yet/);
      sum.add({ a: tf.tensor([1, 2]), b: tf.tensor([4]) });
      sum.add({ a: tf.tensor([3, 6]) });
      expect(sum.count).toBe(2);
      const mean = sum.takeMean();
      expect([...mean.a!.dataSync()]).toEqual([2, 4]);
      expect([...mean.b!.dataSync()]).toEqual([2]);
      expect(sum.count).toBe(0);
      tf.dispose(mean);
      sum.add({ a: tf.tensor([1]) });
      sum.dispose();
    });
  });
});

test.each([
  [{ learningRate: -1 }, /learningRate must be a number from 0, but got -1/],
  [{ beta1: 1 }, /beta1 must be a number from 0 to below 1, but got 1/],
  [{ beta2: Number.NaN }, /beta2 .* got NaN/],
  [{ epsilon: 0 }, /epsilon must be a positive/],
  [{ weightDecay: -0.1 }, /weightDecay must be a number from 0/],
  [{ decayAll: 1 }, /decayAll must be true or false/],
  [{ lr: 1 }, /AdamW has no option 'lr'/],
])('%j is refused', (config, message) => {
  expect(() => adamW(config as AdamWConfig)).toThrow(message);
});

test('incomplete or foreign state is refused', async () => {
  await tf.setBackend('cpu');
  const optimizer = adamW();
  const iter = { name: 'iter', tensor: tf.scalar(1, 'int32') };
  const m = { name: 'w/m', tensor: tf.scalar(1) };
  await expect(optimizer.setWeights([iter, m])).rejects.toThrow(/complete: w\/m, w\/v and w\/step/);
  expect(() => optimizer.applyGradients({ nobody: tf.scalar(1) })).toThrow(
    /gradients of registered variables/,
  );
});
