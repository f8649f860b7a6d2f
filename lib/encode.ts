/** Spikes of what is no spike, for encoders. */
import * as tf from '@tensorflow/tfjs';
import { installKernels } from './kernels';

/** 1 where `condition` of x holds, else 0. It has no gradient: zero goes back. */
export function encodeSpikes(x: tf.Tensor, condition: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  installKernels(); // webgpu's own cast leaves spikes that other operations do not take
  const encode = tf.customGrad((value) => ({
    value: condition(value as tf.Tensor).cast('float32'),
    gradFunc: () => tf.zerosLike(value as tf.Tensor),
  }));
  return encode(x);
}
