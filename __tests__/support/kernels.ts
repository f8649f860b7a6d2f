/** Running a kernel by itself, and inputs that any backend's own form of one is held to. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { surrogateNames } from '../../lib/kernels/surrogate';

/** Runs the kernel of that name; inputs that are undefined are left out. */
export type RunKernel = (
  name: string,
  inputs: Record<string, tf.Tensor | undefined>,
  attrs: object,
) => tf.Tensor[];

/** Runs these kernels on the current backend, or on `backend`. */
export function runnerOf(kernels: readonly tf.KernelConfig[], backend?: unknown): RunKernel {
  return (name, inputs, attrs) => {
    const { kernelFunc } = kernels.find(({ kernelName }) => kernelName === name)!;
    const given = Object.fromEntries(Object.entries(inputs).filter(([, x]) => x !== undefined));
    const made = kernelFunc({
      inputs: given as tf.NamedTensorInfoMap,
      backend: backend ?? tf.backend(),
      attrs: attrs as tf.NamedAttrMap,
    });
    return [made].flat() as tf.Tensor[];
  };
}

/** Sizes from 1 to each of these. */
export const anySizes = (...largest: number[]) =>
  fc.tuple(...largest.map((max) => fc.integer({ min: 1, max })));

const neuron = {
  vThreshold: fc.constantFrom(0.5, 1, 1.3),
  vReset: fc.constantFrom(null, 0, -0.2, 0.3),
  detachReset: fc.boolean(),
  decayInput: fc.boolean(),
  surrogate: fc.constantFrom(...surrogateNames),
};

/** Every attribute of MultiStepLIF. */
export const anyNeuron = fc.record({
  ...neuron,
  tau: fc.constantFrom(1.25, 1.75, 2, 3, 4, 7.3),
  alpha: fc.constantFrom(0.5, 1, 2, 4),
});

/** Parameters of LIF neurons, the surrogate's own alpha not among them. */
export const anyLIF = fc.record({ ...neuron, tau: fc.constantFrom(1.25, 2, 3, 7.3) });

/** First membranes or not, a learned decay or not. */
export const anyState = fc.record({
  v0: fc.boolean(),
  w: fc.constantFrom(undefined, -1, 0, 0.8),
  seed: fc.integer({ min: 1, max: 1e6 }),
});

/** Few different values, so that maxima tie; negative too, below any padding of zeros. */
export const anyPool = (...channels: number[]) =>
  fc
    .record({
      batch: fc.integer({ min: 0, max: 3 }),
      height: fc.integer({ min: 1, max: 9 }),
      width: fc.integer({ min: 1, max: 9 }),
      channels: fc.constantFrom(...channels),
      poolSize: fc.integer({ min: 1, max: 4 }),
      strides: fc.integer({ min: 1, max: 4 }),
      padding: fc.integer({ min: 0, max: 2 }),
      levels: fc.constantFrom(1, 2, 5, 1000),
    })
    .filter(
      ({ height, width, poolSize, padding }) =>
        padding <= poolSize / 2 && Math.min(height, width) + 2 * padding >= poolSize,
    );
