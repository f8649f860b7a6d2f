/** Weights in 8 and 16 bits: what tf.io reads back, against the numbers that went in. No model, no backend's kernels. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { equalSteps, halfFloats, type StoredWeight, stepsPerChannel } from '../../lib/quantize';
import '../support/backends';
import '../support/properties';

beforeAll(() => tf.setBackend('cpu'));

/** The numbers that tf.io makes of a stored weight. */
function readBack({ data, quantization }: Omit<StoredWeight, 'error'>): Float32Array {
  const spec = { name: 'w', shape: [data.length], dtype: 'float32' as const, quantization };
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { w } = tf.io.decodeWeights(bytes as ArrayBuffer, [spec]);
  const numbers = w!.dataSync() as Float32Array;
  w!.dispose();
  return numbers;
}

const weights = (largest = 2 ** 99) =>
  fc
    .array(fc.float({ min: -largest, max: largest, noNaN: true }), { minLength: 6, maxLength: 60 })
    .map((numbers) => Float32Array.from(numbers.slice(0, 6 * Math.floor(numbers.length / 6))));

const largestOf = (numbers: Float32Array) => Math.max(...numbers.map(Math.abs));

describe('whole steps', () => {
  test('per channel are at most half a step off, and the largest weight is exact', () => {
    const least = new Float64Array(3).fill(1e-40);
    fc.assert(
      fc.property(weights(), (kernel) => {
        const { lengths, error, ...stored } = stepsPerChannel(kernel, least);
        const steps = readBack(stored);
        let largest = 0;
        kernel.forEach((weight, i) => {
          const [step, length] = [steps[i]!, lengths[i % 3]!];
          expect(Number.isInteger(step) && Math.abs(step) <= 127).toBe(true);
          const off = Math.abs(weight - step * length);
          expect(off).toBeLessThanOrEqual((length / 2) * (1 + 1e-9));
          if (Math.abs(weight) === 127 * length) expect(off).toBeLessThan(1e-9 * length);
          largest = Math.max(largest, off);
        });
        expect(error).toBe(largest);
      }),
    );
  });

  test('a channel of zeros has the least length, and ties go to the even step', () => {
    const kernel = Float32Array.from([127, 0, 0.5, 0, 1.5, 0, 2.5, -0]);
    const { lengths, data } = stepsPerChannel(kernel, Float64Array.from([0.1, 0.25]));
    expect(Array.from(lengths)).toEqual([1, 0.25]);
    expect(Array.from(data, (byte) => byte - 127)).toEqual([127, 0, 0, 0, 2, 0, 2, 0]);
  });

  test('of one length are at most half of it off, with the error that is reported', () => {
    fc.assert(
      fc.property(weights(), (weight) => {
        const stored = equalSteps(weight);
        const { scale } = stored.quantization!;
        const back = readBack(stored);
        const offs = weight.map((value, i) => Math.abs(value - back[i]!));
        const rounding = 1e-6 * largestOf(weight) + 2 ** -126;
        expect(largestOf(offs)).toBeLessThanOrEqual(scale! / 2 + rounding);
        expect(Math.abs(largestOf(offs) - stored.error)).toBeLessThanOrEqual(rounding);
      }),
    );
    expect(Array.from(readBack(equalSteps(new Float32Array(3))))).toEqual([0, 0, 0]);
  });
});

describe('half floats', () => {
  test('every half float comes back as it was', () => {
    const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i).filter(
      (half) => (half & 0x7c00) !== 0x7c00,
    );
    expect(bits).toHaveLength(2 * 31 * 1024);
    const numbers = readBack({
      format: 'float16',
      data: bits,
      quantization: { dtype: 'float16' },
    });
    const stored = halfFloats(numbers);
    expect(Buffer.from(stored.data.buffer).equals(Buffer.from(bits.buffer))).toBe(true);
    expect(stored.error).toBe(0);
  });

  test('other numbers become the nearest one, ties the even one', () => {
    const half = (...numbers: number[]) =>
      Array.from(readBack(halfFloats(Float32Array.from(numbers))));
    expect(half(1 + 2 ** -11, 1 + 3 * 2 ** -11, -1 - 2 ** -11)).toEqual([1, 1 + 2 ** -9, -1]);
    expect(half(1 + 2 ** -11 + 2 ** -20, 2 - 2 ** -12)).toEqual([1 + 2 ** -10, 2]);
    expect(half(2 ** -25, 1.5 * 2 ** -24, 65504)).toEqual([0, 2 ** -23, 65504]);
    fc.assert(
      fc.property(weights(65504), (weight) => {
        const back = readBack(halfFloats(weight));
        weight.forEach((value, i) => {
          const most = Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
          expect(Math.abs(value - back[i]!)).toBeLessThanOrEqual(most);
        });
      }),
    );
  });
});

test.each([equalSteps, halfFloats])('%p keeps signs if asked to', (store) => {
  fc.assert(
    fc.property(weights(60000), (weight) => {
      const back = readBack(store(weight, { keepSign: true }));
      expect(Array.from(back, (value) => value < 0)).toEqual(
        Array.from(weight, (value) => value < 0),
      );
    }),
  );
  const tiny = Float32Array.from([-1e-44, 1e-44, -0, 1]);
  const signs = (numbers: Float32Array) => Array.from(numbers, (value) => value < 0);
  expect(signs(readBack(store(tiny, { keepSign: true })))).toEqual([true, false, false, false]);
  expect(signs(readBack(store(tiny)))).toEqual([false, false, false, false]);
});
