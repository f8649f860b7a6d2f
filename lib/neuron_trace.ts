/** Traces neurons: the membranes and spikes of every step, by the composed form. */
import * as tf from '@tensorflow/tfjs';
import { unroll } from './kernels/multi_step_lif';
import { checkInput } from './neuron';
import { type LIFParams, resolveLIF } from './neuron_params';

/** Each `[batch, time, ...]`. */
export type NeuronTrace = {
  spikes: tf.Tensor;
  /** Membrane after charge, before reset. */
  h: tf.Tensor;
  /** Membrane after reset. */
  v: tf.Tensor;
};

/**
 * A LIF neuron's membranes at every step.
 *
 * ```ts
 * const { h, spikes } = neuronTrace(tf.ones([1, 8, 1]), { tau: 2, vThreshold: 0.9 });
 * ```
 */
export function neuronTrace(x: tf.Tensor, params?: LIFParams): NeuronTrace {
  const attrs = resolveLIF(params);
  checkInput(x);
  return tf.tidy(() => {
    const { steps, last } = unroll(x, attrs);
    const overTime = (steps: tf.Tensor[]) => tf.stack(steps, 1).reshape(x.shape);
    return {
      spikes: overTime(steps.map((step) => step.s)),
      h: overTime(steps.map((step) => step.h)),
      v: overTime([...steps.slice(1).map((step) => step.v), last]),
    };
  });
}
