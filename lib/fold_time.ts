/** Time as an axis: folding it into batch for layers that do not use it, and repeating images along it. */
import * as tf from '@tensorflow/tfjs';
import { addAll } from './add_all';

/** `[batch, time, ...]` as `[batch * time, ...]`: the same numbers in the same order, a free reshape. */
export function foldTime(x: tf.Tensor): tf.Tensor {
  const [batch, time, ...rest] = x.shape;
  return x.reshape([batch! * time!, ...rest]);
}

/** The reverse of `foldTime`: `[batch * time, ...]` as `[batch, time, ...]`. */
export function unfoldTime(x: tf.Tensor, timeSteps: number): tf.Tensor {
  const [folded, ...rest] = x.shape;
  return x.reshape([folded! / timeSteps, timeSteps, ...rest]);
}

/** `[batch, ...]` as `[batch, time, ...]`, the same at every step. */
export function repeatOverTime(x: tf.Tensor, timeSteps: number): tf.Tensor {
  const [batch, ...rest] = x.shape as [number, ...number[]];
  if (timeSteps === 1) return x.reshape([batch, 1, ...rest]);
  const size = x.size / batch;
  // The stock gradients of stack, tile and broadcasting are slow on wasm: this sums over time by slices.
  const repeat = tf.customGrad((y) => {
    const steps = Array<tf.Tensor2D>(timeSteps).fill((y as tf.Tensor).reshape([batch, size]));
    const value = tf.concat(steps, 1);
    const gradFunc = (dy: tf.Tensor) => {
      const step = (t: number) => dy.slice([0, t * size], [batch, size]);
      return addAll(steps.map((_, t) => step(t))).reshape(x.shape);
    };
    return { value, gradFunc };
  });
  return repeat(x).reshape([batch, timeSteps, ...rest]);
}
