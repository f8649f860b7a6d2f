/** Comparisons with golden numbers: each failure says which tensor, where and by how much. */
import * as tf from '@tensorflow/tfjs';

/** Numbers with their shape, row-major. */
export interface Values {
  shape: number[];
  data: Float32Array;
}

/** Either `|a-b| <= atol + rtol |b|` everywhere, or `max|a-b| <= rel_to_max max|b| + atol`. */
export interface Tolerance {
  atol: number;
  rtol?: number;
  rel_to_max?: number;
}

/** Outputs, logits and membranes. */
export const FORWARD: Tolerance = { rtol: 1e-5, atol: 1e-5 };
/** Running statistics. */
export const BUFFERS: Tolerance = { rtol: 1e-5, atol: 1e-6 };
/** Gradients. */
export const GRAD: Tolerance = { rel_to_max: 1e-4, atol: 1e-6 };

type Comparable = tf.Tensor | Values;

/** Every spike equal; nothing but 0 and 1. */
export function expectSpikesEqual(actual: Comparable, expected: Comparable, what = 'spikes'): void {
  const [a, b] = pair(actual, expected, what);
  const wrong = a.data.findIndex((x) => x !== 0 && x !== 1);
  if (wrong >= 0) {
    throw new Error(`${what} holds ${a.data[wrong]} at [${indexOf(wrong, a.shape)}]: not a spike`);
  }
  expectNoneDiffers(a, b, [what, 'spikes'], (x, y) => x !== y);
}

/** The same numbers to the bit, NaN included: what toEqual takes half a second for a million of. */
export function expectSameNumbers(actual: Comparable, expected: Comparable, what: string): void {
  const [a, b] = pair(actual, expected, what);
  expectNoneDiffers(a, b, [what, 'numbers'], (x, y) => !Object.is(x, y));
}

function expectNoneDiffers(
  a: Values,
  b: Values,
  [what, numbers]: [what: string, numbers: string],
  differs: (x: number, y: number) => boolean,
): void {
  let count = 0;
  let first = -1;
  for (let i = 0; i < a.data.length; i++) {
    if (!differs(a.data[i]!, b.data[i]!)) continue;
    if (count++ === 0) first = i;
  }
  if (count > 0) {
    throw new Error(
      `${what}: ${count} of ${a.data.length} ${numbers} differ, first at ` +
        `[${indexOf(first, b.shape)}] of [${b.shape}]: got ${a.data[first]}, expected ${b.data[first]}`,
    );
  }
}

/** Outputs, logits, membrane potentials: rtol 1e-5 + atol 1e-5 unless the fixture says otherwise. */
export function expectForwardClose(
  actual: Comparable,
  expected: Comparable,
  what = 'output',
  tolerance: Tolerance = FORWARD,
): void {
  expectClose(actual, expected, what, tolerance);
}

/**
 * What a sample gives in one batch and in another: equal numbers. Where TensorFlow does not use oneDNN's AVX-512 by
 * itself, its products add in an order that depends on the batch: on `tensorflow` equal but for the last bits then.
 */
export function expectSameInAnyBatch(backend: string, actual: tf.Tensor, expected: tf.Tensor) {
  if (backend === 'tensorflow' && process.env.SPIKINGFORMER_TEST_ONEDNN !== '1') {
    return expectForwardClose(actual, expected, 'output', { rtol: 1e-6, atol: 1e-6 });
  }
  expect(Array.from(actual.dataSync())).toEqual(Array.from(expected.dataSync()));
}

/** Running means and variances: rtol 1e-5 + atol 1e-6 unless the fixture says otherwise. */
export function expectBuffersClose(
  actual: Comparable,
  expected: Comparable,
  what = 'buffer',
  tolerance: Tolerance = BUFFERS,
): void {
  expectClose(actual, expected, what, tolerance);
}

/** Gradients: max|a-b| <= 1e-4 max|b| + 1e-6 unless the fixture says otherwise. */
export function expectGradClose(
  actual: Comparable,
  expected: Comparable,
  what = 'gradient',
  tolerance: Tolerance = GRAD,
): void {
  expectClose(actual, expected, what, tolerance);
}

/**
 * A gradient that is zero but for rounding (a bias in front of a batch norm, in training): small
 * beside the gradient of the same layer's kernel. The reference's own value is noise as well.
 */
export function expectGradVanishes(
  actual: Comparable,
  kernelGradient: Comparable,
  what = 'gradient',
): void {
  const a = valuesOf(actual);
  const limit = 1e-5 * maxAbs(valuesOf(kernelGradient)) + 1e-6;
  const wrong = a.data.findIndex((x) => !(Math.abs(x) <= limit));
  if (wrong >= 0) {
    throw new Error(
      `${what} must vanish, within ${limit.toExponential(2)}, but is ${a.data[wrong]} at [${indexOf(wrong, a.shape)}]`,
    );
  }
}

/** The rule of `tolerance` itself. NaN and infinities never pass, unless both are the same infinity. */
export function expectClose(
  actual: Comparable,
  expected: Comparable,
  what: string,
  tolerance: Tolerance,
): void {
  const [a, b] = pair(actual, expected, what);
  const { atol, rtol = 0, rel_to_max = 0 } = tolerance;
  const floor = atol + (rel_to_max > 0 ? rel_to_max * maxAbs(b) : 0);
  let outside = 0;
  let worst = -1;
  let worstExcess = -1;
  for (let i = 0; i < a.data.length; i++) {
    if (a.data[i] === b.data[i]) continue;
    const difference = Math.abs(a.data[i] - b.data[i]);
    const limit = floor + rtol * Math.abs(b.data[i]);
    if (difference <= limit && limit < Infinity) continue;
    outside++;
    const excess = Number.isFinite(difference) ? difference / limit : Infinity;
    if (excess > worstExcess) [worst, worstExcess] = [i, excess];
  }
  if (outside > 0) {
    const difference = Math.abs(a.data[worst] - b.data[worst]);
    throw new Error(
      `${what}: ${outside} of ${a.data.length} numbers are off, worst at ` +
        `[${indexOf(worst, b.shape)}] of [${b.shape}]: got ${a.data[worst]}, expected ` +
        `${b.data[worst]}; they differ by ${difference.toExponential(3)}, ` +
        `${worstExcess.toPrecision(3)} times what is allowed (max|expected| ${maxAbs(b).toPrecision(4)})`,
    );
  }
}

/** The values of a tensor, which stays the caller's. */
export function valuesOf(x: Comparable): Values {
  if (!(x instanceof tf.Tensor)) return x;
  return { shape: x.shape, data: Float32Array.from(x.dataSync()) };
}

function pair(actual: Comparable, expected: Comparable, what: string): [Values, Values] {
  const [a, b] = [valuesOf(actual), valuesOf(expected)];
  if (!sameUpToMerging(a.shape, b.shape)) {
    throw new Error(`${what} must have shape [${b.shape}], but has [${a.shape}]`);
  }
  return [a, b];
}

/** Equal, or one follows from the other by merging neighbours: [N,T,H,W,C] fits [N,T,H*W,C]. */
function sameUpToMerging(a: readonly number[], b: readonly number[]): boolean {
  const ends = (shape: readonly number[]) => {
    let product = 1;
    return new Set(shape.map((size) => (product *= size)).concat(1));
  };
  const size = (shape: readonly number[]) => shape.reduce((x, y) => x * y, 1);
  if (size(a) !== size(b)) return false;
  const [x, y] = [ends(a), ends(b)];
  const [few, many] = x.size <= y.size ? [x, y] : [y, x];
  return [...few].every((end) => many.has(end));
}

function maxAbs({ data }: Values): number {
  return data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(flat % shape[axis]);
    flat = Math.floor(flat / shape[axis]);
  }
  return index;
}
