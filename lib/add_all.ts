/** A sum of many tensors, on every backend. */
import type * as tf from '@tensorflow/tfjs';

/**
 * The sum of tensors of one shape, in their order. tf.addN binds each to a buffer of its own, of which a WebGPU
 * device may have 8 per shader: with more the whole command fails, and zeros are read without an error.
 */
export function addAll<T extends tf.Tensor>(tensors: readonly T[]): T {
  return tensors.reduce((sum, x) => sum.add(x));
}
