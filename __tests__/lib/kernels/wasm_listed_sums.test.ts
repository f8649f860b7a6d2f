/** Stock convolutions and products on wasm skip the zeros of spikes, and nothing but the time shows it. */
import * as tf from '@tensorflow/tfjs';
import { type Data, expectEqual, random, randomData, runWasm, size } from './wasm_harness';

const CONV = { strides: 1, dilations: 1, pad: 'same', dataFormat: 'NHWC' };
const PRODUCT = { transposeA: false, transposeB: false };

type Operation = (x: Data, filter: Data) => Float32Array;
const convolve: Operation = (x, filter) => runWasm('Conv2D', { x, filter }, CONV)[0]!;
const multiply: Operation = (a, b) => runWasm('BatchMatMul', { a, b }, PRODUCT)[0]!;

/** One of five is a spike. */
const spikes = (length: number) => random(length, 2, 1).map((v) => (v > 0.45 ? 1 : 0));

/** A sample's result, alone and as the last of five: behind samples without a zero all are summed densely. */
function aloneAndBehindDense(operate: Operation, sample: Float32Array, shape: number[], by: Data) {
  const batch = Float32Array.from([...random(4 * sample.length, 3), ...sample]);
  const alone = operate([sample, [1, ...shape]], by);
  const together = operate([batch, [5, ...shape]], by);
  return [alone, together.subarray(4 * alone.length)] as const;
}

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('stock kernels on wasm, given spikes', () => {
  it.each([
    [1, 48],
    [3, 48],
    [5, 20],
    [9, 33],
  ])('convolve by %i x %i to the same bits in any batch', (side, filters) => {
    const shape = [6, 7, 24];
    const filter = randomData([side, side, 24, filters], 1);
    for (const factor of [1, 0.3]) {
      const sample = spikes(size(shape)).map((v) => v * factor);
      const [alone, behind] = aloneAndBehindDense(convolve, sample, shape, filter);
      expectEqual(alone, behind);
      expect(alone.some((v) => v !== 0)).toBe(true);
    }
  });

  it.each([3, 64, 256, 257, 600])('multiply sums of %i to the same bits in any batch', (k) => {
    const b = randomData([k, 40], 1);
    const channel = (value: number): Data => [new Float32Array(40).fill(value), [40]];
    const affine = { scale: channel(1), shift: channel(0) };
    for (const factor of [1, 0.3]) {
      const sample = spikes(9 * k).map((v) => v * factor);
      const [alone, behind] = aloneAndBehindDense(multiply, sample, [9, k], b);
      expectEqual(alone, behind);
      expect(alone.some((v) => v !== 0)).toBe(true);
      const x: Data = [sample, [9, k]];
      expectEqual(runWasm('SpikeConv2D', { x, filter: b, ...affine }, {})[0]!, alone);
    }
  });

  it.each([Infinity, NaN])('give NaN for 0 times %d', (factor) => {
    const zeros: Data = [new Float32Array(16), [1, 2, 2, 4]];
    const filter: Data = [new Float32Array(64).fill(factor), [1, 1, 4, 16]];
    expect(convolve(zeros, filter).every(Number.isNaN)).toBe(true);
    const product = multiply([zeros[0], [4, 4]], [filter[0], [4, 16]]);
    expect(product.every(Number.isNaN)).toBe(true);
  });

  it('give nothing for an empty batch', () => {
    expect(convolve([[], [0, 4, 4, 8]], randomData([3, 3, 8, 32], 1))).toHaveLength(0);
    expect(multiply([[], [0, 8]], randomData([8, 32], 1))).toHaveLength(0);
  });
});
