/** Weights in 8 or 16 bits, in the two forms that tf.io reads: whole steps (uint8, scale, min) and half floats. */
import type * as tf from '@tensorflow/tfjs';

export const weightFormats = ['int8', 'float16'] as const;
export type WeightFormat = (typeof weightFormats)[number];

/** A weight as a model file stores it. */
export interface StoredWeight {
  format: WeightFormat | 'int8 per channel' | 'float32';
  data: Float32Array | Uint16Array | Uint8Array;
  /** How tf.io makes float32 of `data`: number * scale + min, or by reading half floats. Absent if it is float32. */
  quantization?: tf.io.WeightsManifestEntry['quantization'];
  /** Largest difference from the weight, in the weight's unit. */
  error: number;
}

export interface StoreOptions {
  /** Whether no number below 0 may become 0, for weights that are compared with 0. Default false. */
  keepSign?: boolean;
}

/** Steps on each side of zero; with -128 the range would not be symmetric. */
const MOST_STEPS = 127;
/** The least positive float32 that no backend takes for zero. */
const LEAST_NORMAL = 2 ** -126;
/** The largest half float. */
export const LARGEST_HALF = 65504;

/** Adding and subtracting this rounds |x| < 2^51 to the nearest whole number, ties to even. */
const ROUND = 1.5 * 2 ** 52;
const nearest = (x: number) => x + ROUND - ROUND;

const asBytes = (steps: Float64Array) => Uint8Array.from(steps, (step) => step + MOST_STEPS);

function largestDifference(a: ArrayLike<number>, b: (i: number) => number): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b(i)));
  return largest;
}

/**
 * A kernel `[..., channels]` in whole steps from -127 to 127 of one length per channel: the largest weight's magnitude
 * / 127. A weight moves by half a step at most. The file has the whole numbers: the caller accounts for the lengths.
 *
 * @param least The least length for each channel, positive: weights far below it become 0.
 */
export function stepsPerChannel(
  kernel: Float32Array,
  least: Float64Array,
): StoredWeight & { lengths: Float64Array } {
  const channels = least.length;
  const lengths = Float64Array.from(least);
  kernel.forEach((weight, i) => {
    const c = i % channels;
    lengths[c] = Math.max(lengths[c]!, Math.abs(weight) / MOST_STEPS);
  });
  const steps = Float64Array.from(kernel, (weight, i) => nearest(weight / lengths[i % channels]!));
  return {
    format: 'int8 per channel',
    data: asBytes(steps),
    quantization: { dtype: 'uint8', scale: 1, min: -MOST_STEPS },
    error: largestDifference(kernel, (i) => steps[i]! * lengths[i % channels]!),
    lengths,
  };
}

/** A weight in whole steps from -127 to 127 of one length, the largest magnitude / 127. Zero stays zero. */
export function equalSteps(
  weight: Float32Array,
  { keepSign = false }: StoreOptions = {},
): StoredWeight {
  const largest = largestDifference(weight, () => 0);
  const scale = Math.max(largest / MOST_STEPS, LEAST_NORMAL);
  const min = -MOST_STEPS * scale;
  const steps = Float64Array.from(weight, (value) => {
    const step = nearest(value / scale);
    return keepSign && value < 0 ? Math.min(step, -1) : step;
  });
  const data = asBytes(steps);
  return {
    format: 'int8',
    data,
    quantization: { dtype: 'uint8', scale, min },
    error: largestDifference(weight, (i) => data[i]! * scale + min),
  };
}

/** A weight of magnitudes up to 65504 as half floats: the nearest, ties to even. */
export function halfFloats(
  weight: Float32Array,
  { keepSign = false }: StoreOptions = {},
): StoredWeight & { data: Uint16Array } {
  const bits = new Uint32Array(weight.buffer, weight.byteOffset, weight.length);
  const values = new Float32Array(weight.length);
  const data = Uint16Array.from(weight, (value, i) => {
    // A half float is a whole number of units of 2^(exponent - 10); below 2^-14 the unit stays the same.
    const exponent = Math.max(((bits[i]! >>> 23) & 0xff) - 127, -14);
    const unit = 2 ** (exponent - 10);
    let units = nearest(Math.abs(value) / unit);
    if (keepSign && value < 0) units = Math.max(units, 1);
    values[i] = Math.sign(value) * units * unit;
    const sign = (bits[i]! >>> 31) << 15;
    // Units from 1024 on are an implied leading one and its fraction; 2048 carries into the exponent.
    return sign | (((exponent + 14) << 10) + units);
  });
  return {
    format: 'float16',
    data,
    quantization: { dtype: 'float16' },
    error: largestDifference(weight, (i) => values[i]!),
  };
}

/** A weight as it is. */
export const asFloats = (data: Float32Array): StoredWeight => ({
  format: 'float32',
  data,
  error: 0,
});
