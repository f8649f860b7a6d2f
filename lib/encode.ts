/** Spikes from real numbers, for encoders. */
import * as tf from '@tensorflow/tfjs';
import { installKernels } from './kernels';

/** 1 where `condition` of x is true, else 0. Its gradient is zero. */
export function encodeSpikes(x: tf.Tensor, condition: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  installKernels(); // After webgpu's cast, some operations fail on the spikes.
  const encode = tf.customGrad((value) => ({
    value: condition(value as tf.Tensor).cast('float32'),
    gradFunc: () => tf.zerosLike(value as tf.Tensor),
  }));
  return encode(x);
}
