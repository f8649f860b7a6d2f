/** PyTorch's max pooling: sizes, padding that never wins, and the first of equal maxima. */
import * as tf from '@tensorflow/tfjs';
import { type MaxPoolParams, maxPool2d } from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';

/** The pooled values, and for a gradient of ones how often each pixel is a window's first maximum. */
function naive(x: tf.Tensor4D, poolSize: number, strides: number, padding: number) {
  const [batch, height, width, channels] = x.shape;
  const data = x.dataSync();
  const side = (n: number) => Math.floor((n + 2 * padding - poolSize) / strides) + 1;
  const values: number[] = [];
  const wins = new Array<number>(data.length).fill(0);
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < side(height); i++)
      for (let j = 0; j < side(width); j++)
        for (let c = 0; c < channels; c++) {
          let best = -1;
          for (let di = 0; di < poolSize; di++)
            for (let dj = 0; dj < poolSize; dj++) {
              const [r, s] = [i * strides - padding + di, j * strides - padding + dj];
              if (r < 0 || s < 0 || r >= height || s >= width) continue;
              const at = ((b * height + r) * width + s) * channels + c;
              if (best < 0 || data[at]! > data[best]!) best = at;
            }
          values.push(data[best]!);
          wins[best]! += values.length; // The gradient is 1, 2, 3, ... over the output.
        }
  return { values, wins, shape: [batch, side(height), side(width), channels] };
}

const cases: [number[], MaxPoolParams][] = [
  [[2, 4, 4, 3], {}],
  [[1, 5, 7, 2], {}],
  [[2, 1, 1, 3], {}],
  [[1, 2, 3, 5], {}],
  [[1, 8, 3, 4], {}],
  [[2, 4, 6, 1], { poolSize: 2 }],
  [[1, 5, 5, 3], { poolSize: 2, strides: 1 }],
  [[1, 5, 4, 2], { poolSize: 2, strides: 2, padding: 1 }],
  [[1, 7, 6, 2], { poolSize: 3, strides: 3, padding: 0 }],
  [[1, 6, 6, 2], { poolSize: 5, strides: 1 }],
  [[1, 9, 9, 1], { poolSize: 2, strides: 3 }],
];
const contents: [string, (shape: number[]) => tf.Tensor][] = [
  ['real numbers', (shape) => tf.randomNormal(shape, 0, 1, 'float32', 3)],
  ['negative numbers', (shape) => tf.randomUniform(shape, -5, -1, 'float32', 3)],
  ['spikes', (shape) => tf.randomUniform(shape, 0, 1, 'float32', 3).greater(0.6).toFloat()],
  ['all equal', (shape) => tf.zeros(shape)],
];

describeEachBackend('maxPool2d', () => {
  describe.each(contents)('of %s', (_, make) => {
    test.each(cases)('shape %p, %p', (shape, params) => {
      const { poolSize = 3, strides = 2 } = params;
      const { padding = Math.floor((poolSize - 1) / 2) } = params;
      tf.tidy(() => {
        const x = make(shape) as tf.Tensor4D;
        const expected = naive(x, poolSize, strides, padding);
        const y = maxPool2d(x, params);
        expect(y.shape).toEqual(expected.shape);
        expect(Array.from(y.dataSync())).toEqual(expected.values);
        const dy = tf.range(1, y.size + 1).reshape(y.shape);
        const dx = tf.grad((z) =>
          maxPool2d(z as tf.Tensor4D, params)
            .mul(dy)
            .sum(),
        )(x);
        expect(Array.from(dx.dataSync())).toEqual(expected.wins);
        expect(dx.sum().dataSync()[0]).toBe(dy.sum().dataSync()[0]);
      });
    });
  });

  test('halves an even side with windows of 2, as of 3', () => {
    tf.tidy(() => {
      const x = tf.zeros([1, 8, 8, 1]) as tf.Tensor4D;
      expect(maxPool2d(x, { poolSize: 2 }).shape).toEqual([1, 4, 4, 1]);
      expect(maxPool2d(x).shape).toEqual([1, 4, 4, 1]);
    });
  });
});
