/** Poisson and latency encoders: SpikingJelly's laws. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';

const { latencyEncoder, poissonEncoder } = spiking.layers;

describeEachBackend('encoders', () => {
  test('poisson: as many spikes as the value says, 0 and 1 without exception', async () => {
    await expectNoLeak(() => {
      const layer = poissonEncoder({ timeSteps: 4000, seed: 5 });
      tf.tidy(() => {
        const x = tf.tensor2d([[0, 0.1, 0.5, 0.9, 1]]);
        for (const training of [false, true]) {
          const spikes = layer.apply(x, { training }) as tf.Tensor;
          expect(spikes.shape).toEqual([1, 4000, 5]);
          expect(new Set(spikes.dataSync())).toEqual(new Set([0, 1]));
          const rates = spikes.mean(1).dataSync();
          expect(rates[0]).toBe(0);
          expect(rates[4]).toBeCloseTo(1, 6); // a GPU's mean of ones may be off by a bit
          [0.1, 0.5, 0.9].forEach((p, i) => {
            expect(Math.abs(rates[i + 1] - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 4000));
          });
        }
      });
      layer.dispose();
    });
  });

  test('poisson: new noise for each sample and call of training, repeated by the seed', () => {
    const calls = (seed: number | null, training: boolean) => {
      const layer = poissonEncoder({ timeSteps: 50, seed });
      return tf.tidy(() => {
        const x = tf.fill([2, 3], 0.5);
        const run = () =>
          tf.unstack(layer.apply(x, { training }) as tf.Tensor).map((s) => s.dataSync().join(''));
        return [...run(), ...run()];
      });
    };
    expect(new Set(calls(1, true)).size).toBe(4);
    expect(calls(1, true)).toEqual(calls(1, true));
    expect(calls(2, true)).not.toEqual(calls(1, true));
    expect(new Set(calls(1, false)).size).toBe(1);
    expect(calls(1, false)).toEqual(calls(1, false));
    expect(calls(null, false)).not.toEqual(calls(null, false));
  });

  test.each([
    // 9 (1 - x), of which 4.5 goes to 4
    ['linear', [0, 0.2, 0.5, 0.78, 1], 10, [9, 7, 4, 2, 0]],
    ['linear', [0, 0.5, 1], 4, [3, 2, 0]],
    // 9 - ln((e^9 - 1) x + 1)
    ['log', [0, 0.001, 0.01, 0.1, 1], 10, [9, 7, 5, 2, 0]],
    ['linear', [0, 1], 1, [0, 0]],
  ] as const)('latency, %s: %j of %i steps fire at %j', (encFunction, x, timeSteps, expected) => {
    tf.tidy(() => {
      const layer = latencyEncoder({ timeSteps, encFunction });
      const spikes = layer.apply(tf.tensor2d([[...x]])) as tf.Tensor;
      expect(spikes.shape).toEqual([1, timeSteps, x.length]);
      expect(Array.from(spikes.sum(1).dataSync())).toEqual(x.map(() => 1));
      expect(Array.from(spikes.argMax(1).dataSync())).toEqual([...expected]);
    });
  });

  test.each([
    ['poisson', () => poissonEncoder({ timeSteps: 3, seed: 1 })],
    ['latency', () => latencyEncoder({ timeSteps: 3 })],
  ])('%s: no gradient goes back', (_, make) => {
    tf.tidy(() => {
      const layer = make();
      const gradient = tf.grad((x) => (layer.apply(x) as tf.Tensor).sum().asScalar());
      expect(new Set(gradient(tf.fill([2, 3], 0.4)).dataSync())).toEqual(new Set([0]));
    });
  });
});

test.each<[string, () => unknown]>([
  ['timeSteps must be a positive integer, but got 0', () => poissonEncoder({ timeSteps: 0 })],
  [
    'seed must be a safe integer or null, but got 0.5',
    () => poissonEncoder({ timeSteps: 1, seed: 0.5 }),
  ],
  [
    "encFunction must be one of 'linear', 'log', but got 'exp'",
    () => latencyEncoder({ timeSteps: 1, encFunction: 'exp' as 'log' }),
  ],
  [
    "LatencyEncoder has no option 'T'",
    () => latencyEncoder({ timeSteps: 1, T: 3 } as Parameters<typeof latencyEncoder>[0]),
  ],
])('throws: %s', (message, make) => {
  expect(make).toThrow(message);
});
