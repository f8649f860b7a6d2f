/**
 * Integrate-and-fire neurons over time, as pure functions of their input and their first membrane.
 *
 *   charge: h = v + (x - (v - vReset)) / tau;  fire: s = h >= vThreshold;  reset: v = h (1 - s) + vReset s
 *
 * The gradient of the firing step is a surrogate. Source: SpikingJelly (Fang et al., 2023).
 */
import type * as tf from '@tensorflow/tfjs';
import { runMultiStepLIF } from './kernels';
import type { NeuronAttrs, NeuronOutputs } from './kernels/multi_step_lif';
import {
  type IFParams,
  type LIFParams,
  type PLIFParams,
  resolveIF,
  resolveLIF,
  resolvePLIF,
} from './neuron_params';
import { invalid } from './validate';

/** The results of a neuron: its spikes `[batch, time, ...]`, and its membranes `[batch, ...]` after the last step. */
export interface NeuronOutput {
  spikes: tf.Tensor;
  v: tf.Tensor;
}

/** Checks x `[batch, time, ...]` and, if given, that the state fits it. */
export function checkInput(x: tf.Tensor, v0?: tf.Tensor): void {
  if (x.rank < 2) throw invalid('x', 'of shape [batch, time, ...]', x.shape);
  if (x.dtype !== 'float32') throw invalid('x', 'of dtype float32', x.dtype);
  if (x.shape[1] === 0) throw invalid('x', 'of at least one time step', x.shape);
  if (!v0) return;
  if (v0.dtype !== 'float32') throw invalid('v0', 'of dtype float32', v0.dtype);
  const [batch, , ...neurons] = x.shape;
  const expected = [batch!, ...neurons];
  if (v0.shape.join() !== expected.join()) {
    throw invalid('v0', `of shape [${expected}], x without its time axis`, v0.shape);
  }
}

/** Calls the kernel with checked input; `w` as in `multiStepPLIF`. Without `lastMembranes` v may be empty. */
export function runNeuron(
  x: tf.Tensor,
  attrs: NeuronAttrs,
  v0?: tf.Tensor,
  w?: tf.Tensor,
  outputs?: NeuronOutputs,
): NeuronOutput {
  checkInput(x, v0);
  if (w && w.size !== 1) throw invalid('w', 'a single number', w.shape);
  if (w && w.dtype !== 'float32') throw invalid('w', 'of dtype float32', w.dtype);
  const [spikes, v] = runMultiStepLIF(x, attrs, v0, w, outputs);
  return { spikes, v };
}

/** `runNeuron` for callers that do not use the membranes. */
function spikesOf(x: tf.Tensor, attrs: NeuronAttrs, v0?: tf.Tensor, w?: tf.Tensor): tf.Tensor {
  const { spikes, v } = runNeuron(x, attrs, v0, w, { lastMembranes: false });
  v.dispose();
  return spikes;
}

/**
 * Leaky integrate-and-fire neurons: spikes (0 or 1), shaped as the input.
 *
 * ```ts
 * const x = tf.randomUniform([2, 4, 3], 0, 2); // [batch, time, neurons]
 * multiStepLIF(x, { tau: 2, vThreshold: 1 }).print();
 * ```
 *
 * @param x Input current, float32 `[batch, time, ...]`.
 * @param params See LIFParams. Throws on an unknown option or an invalid value.
 * @param v0 Membranes before the first step `[batch, ...]`. Default: vReset, or 0 if that is null.
 */
export function multiStepLIF(x: tf.Tensor, params?: LIFParams, v0?: tf.Tensor): tf.Tensor {
  return spikesOf(x, resolveLIF(params), v0);
}

/** Integrate-and-fire neurons without leak: h = v + x. Otherwise as `multiStepLIF`. */
export function multiStepIF(x: tf.Tensor, params?: IFParams, v0?: tf.Tensor): tf.Tensor {
  return spikesOf(x, resolveIF(params), v0);
}

/**
 * LIF neurons with a learned time constant (Fang et al., arXiv 2007.05785): 1 / tau = sigmoid(w).
 * @param w One number, in any shape with one element. Otherwise as `multiStepLIF`.
 */
export function multiStepPLIF(
  x: tf.Tensor,
  w: tf.Tensor,
  params?: PLIFParams,
  v0?: tf.Tensor,
): tf.Tensor {
  return spikesOf(x, resolvePLIF(params), v0, w);
}

/** `multiStepLIF` that also returns the last membranes. To continue from them, pass them as `v0`. */
export function multiStepLIFState(x: tf.Tensor, params?: LIFParams, v0?: tf.Tensor): NeuronOutput {
  return runNeuron(x, resolveLIF(params), v0);
}

/** `multiStepIF` that also returns the last membranes. */
export function multiStepIFState(x: tf.Tensor, params?: IFParams, v0?: tf.Tensor): NeuronOutput {
  return runNeuron(x, resolveIF(params), v0);
}

/** `multiStepPLIF` that also returns the last membranes. */
export function multiStepPLIFState(
  x: tf.Tensor,
  w: tf.Tensor,
  params?: PLIFParams,
  v0?: tf.Tensor,
): NeuronOutput {
  return runNeuron(x, resolvePLIF(params), v0, w);
}
