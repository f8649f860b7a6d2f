/** What the tests of NaN, infinities and huge numbers share: how kernels run, and what counts as the same. */
import * as tf from '@tensorflow/tfjs';
import { runKernel } from '../../lib/kernels';
import { present } from '../../lib/kernels/kernel';
import { MultiStepLIFGrad, type NeuronAttrs } from '../../lib/kernels/multi_step_lif';
import { onGPU } from '../support/backends';
import type { Values } from '../support/fixtures';

/**
 * Infinities and NaN in the same places (GPUs may take one for the other); other numbers to rounding, relative to
 * each, and to the largest number that was added up to it (`scale`).
 */
export function expectSame(
  actual: tf.Tensor,
  expected: Values,
  what: string,
  [rtol, atol] = [1e-4, 1e-6],
  scale: (i: number) => number = () => 1,
) {
  const data = actual.dataSync();
  expect([what, data.length]).toEqual([what, expected.data.length]);
  const wrong = [...expected.data.entries()].filter(([i, right]) => {
    const got = data[i]!;
    if (Object.is(got, right) || got === right) return false;
    if (onGPU(tf.getBackend()) && !Number.isFinite(right)) return Number.isFinite(got);
    // The sum of numbers beyond float32 is what its order and precision make of it.
    if (Math.fround(scale(i)) === Infinity) return false;
    const allowed = atol * scale(i) + rtol * Math.abs(right);
    return !(Math.abs(got - right) <= allowed) || !Number.isFinite(right);
  });
  const shown = wrong.slice(0, 8).map(([i, right]) => `[${i}] is ${data[i]}, not ${right}`);
  if (wrong.length > 0) throw new Error(`${what}: ${wrong.length} wrong: ${shown.join('; ')}`);
}

/** Gradients of x, and of v0 and w if given, through spikes and last membranes. */
export function neuronGradients(
  inputs: { x: tf.Tensor; v0?: tf.Tensor; w?: tf.Tensor },
  dSpikes: tf.Tensor,
  dV: tf.Tensor,
  attrs: NeuronAttrs,
): tf.Tensor[] {
  const all = present({ ...inputs, dSpikes, dV });
  return runKernel<tf.Tensor[]>(MultiStepLIFGrad, all, { ...attrs, lastMembranes: true });
}
