/** SpikeConv2D in stock tfjs ops: a dense convolution, or matrix product, by the scaled filter. */
import * as tf from '@tensorflow/tfjs';

/** See `SpikeConv2D` in spec.ts. */
export function spikeConv2D(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  scale: tf.Tensor,
  shift: tf.Tensor,
): tf.Tensor4D {
  // webgpu refuses to convolve no images.
  if (x.size === 0) return tf.zeros([...x.shape.slice(0, 3), filter.shape[3]] as typeof x.shape);
  return dense(x, filter.mul(scale)).add(shift);
}

function dense(x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D {
  const [size, , channels, filters] = filter.shape;
  if (size > 1) return tf.conv2d(x, filter, 1, 'same');
  const rows = x.reshape<tf.Tensor2D>([-1, channels]);
  const y = tf.matMul(rows, filter.reshape<tf.Tensor2D>([channels, filters]));
  return y.reshape<tf.Tensor4D>([...x.shape.slice(0, 3), filters]);
}
