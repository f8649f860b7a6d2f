/** Runs single wasm kernels on plain numbers, and compares what they return. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { wasmKernels, wasmOverrides } from '../../../lib/kernels/wasm';

export type Data = readonly [values: ArrayLike<number>, shape: number[]];

const kernels = new Map(
  [...wasmKernels(), ...wasmOverrides].map((k) => [k.kernelName, k.kernelFunc]),
);

/** What the kernel returns, as flat arrays. Nothing else may stay allocated, also when it throws. */
export function runWasm(
  name: string,
  data: Record<string, Data | undefined>,
  attrs: object,
): Float32Array[] {
  return run(kernels.get(name)!, tf.findBackend('wasm'), data, attrs);
}

/** The same kernel of tfjs's cpu backend. */
export function runCpu(
  name: string,
  data: Record<string, Data | undefined>,
  attrs: object,
): Float32Array[] {
  const backend = tf.findBackend('cpu');
  // Else it advertises tfjs-node.
  Object.assign(backend, { firstUse: false });
  return run(tf.getKernel(name, 'cpu').kernelFunc, backend, data, attrs);
}

function run(
  kernelFunc: tf.KernelConfig['kernelFunc'],
  backend: tf.KernelBackend,
  data: Record<string, Data | undefined>,
  attrs: object,
): Float32Array[] {
  const before = backend.numDataIds();
  const inputs: Record<string, tf.TensorInfo> = {};
  for (const [key, value] of Object.entries(data)) {
    if (!value) continue;
    const [values, shape] = value;
    const dataId = backend.write(Float32Array.from(values), shape, 'float32');
    inputs[key] = { dataId, shape, dtype: 'float32' };
  }
  let finished = false;
  try {
    const made = [kernelFunc({ inputs, backend, attrs: attrs as tf.NamedAttrMap })].flat();
    const results = made.map(({ dataId }) =>
      Float32Array.from(backend.readSync(dataId) as Float32Array),
    );
    for (const { dataId } of made) backend.disposeData(dataId);
    finished = true;
    return results;
  } finally {
    for (const { dataId } of Object.values(inputs)) backend.disposeData(dataId);
    // A trap in tfjs's own code leaks, and its error should be what is seen.
    if (finished) expect(backend.numDataIds()).toBe(before);
  }
}

/** Numbers from -0.35 spread to 0.65 spread, the same for the same seed. */
export function random(length: number, seed: number, spread = 2): Float32Array {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return ((state >>> 8) / 2 ** 24 - 0.35) * spread;
  });
}

export const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

export function randomData(shape: number[], seed: number, spread?: number): Data {
  return [random(size(shape), seed, spread), shape];
}

/** max|a - b| <= relative * scale, scale being max|b| unless given. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  relative: number,
  scale?: number,
): void {
  expect(actual.length).toBe(expected.length);
  let largest = scale ?? 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (scale === undefined) largest = Math.max(largest, Math.abs(expected[i]!));
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= worst)) worst = difference;
  }
  expect(worst).toBeLessThanOrEqual(relative * largest + 1e-30);
}

/** Equal in every bit, but for the sign of zero. */
export function expectEqual(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  let differing = 0;
  for (let i = 0; i < expected.length; i++) if (actual[i] !== expected[i]) differing++;
  expect(differing).toBe(0);
}
