/** Time as an axis: folding it into batch for layers that do not look along it, and repeating images along it. */
import * as tf from '@tensorflow/tfjs';

/** `[batch, time, ...]` as `[batch * time, ...]`: the same numbers in the same order, a free reshape. */
export function foldTime(x: tf.Tensor): tf.Tensor {
  const [batch, time, ...rest] = x.shape;
  return x.reshape([batch! * time!, ...rest]);
}

/** The reverse of `foldTime`, for that number of time steps. */
export function unfoldTime(x: tf.Tensor, timeSteps: number): tf.Tensor {
  const [folded, ...rest] = x.shape;
  return x.reshape([folded! / timeSteps, timeSteps, ...rest]);
}

/** `[batch, ...]` as `[batch, time, ...]`, the same at every step. */
export function repeatOverTime(x: tf.Tensor, timeSteps: number): tf.Tensor {
  return timeSteps === 1 ? x.expandDims(1) : tf.stack(Array(timeSteps).fill(x), 1);
}
