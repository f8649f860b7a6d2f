/** SpikeConv2D: convolutions and linear maps of spikes at inference. */

import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { type KernelDefinition, runKernel } from './kernel';

/**
 * A convolution of spikes at inference, with stride 1 and padding 'same', and the batch norm after it as one factor and
 * one term per channel: y = scale * conv(x, filter) + shift. It has no gradient. Inputs: x `[batch, height, width,
 * channels]`, any numbers, faster the more zeros it has; filter `[size, size, channels, filters]`, size odd; scale,
 * shift `[filters]`. Output: y `[batch, height, width, filters]`, equal to a dense sum even if the filter is infinite
 * or NaN.
 */
export const SpikeConv2D = 'SpikeConv2D';

export interface SpikeConv2DInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  filter: TensorInfo;
  scale: TensorInfo;
  shift: TensorInfo;
}

/** The composed form: a dense convolution, or matrix product, by the scaled filter. */
export function spikeConv2D(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  scale: tf.Tensor,
  shift: tf.Tensor,
): tf.Tensor4D {
  // webgpu refuses to convolve zero images; with zero channels the sum is 0.
  if (x.size === 0) {
    return tf
      .zeros<tf.Rank.R4>([...x.shape.slice(0, 3), filter.shape[3]] as typeof x.shape)
      .add(shift);
  }
  return dense(x, filter.mul(scale)).add(shift);
}

function dense(x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D {
  const [size, , channels, filters] = filter.shape;
  if (size > 1) return tf.conv2d(x, filter, 1, 'same');
  const rows = x.reshape<tf.Tensor2D>([-1, channels]);
  const y = tf.matMul(rows, filter.reshape<tf.Tensor2D>([channels, filters]));
  return y.reshape<tf.Tensor4D>([...x.shape.slice(0, 3), filters]);
}

export const spikeConv2DDefinitions: KernelDefinition[] = [
  {
    name: SpikeConv2D,
    composed: ({ x, filter, scale, shift }) =>
      spikeConv2D(x as tf.Tensor4D, filter as tf.Tensor4D, scale!, shift!),
  },
];

export function runSpikeConv2D(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  scale: tf.Tensor,
  shift: tf.Tensor,
): tf.Tensor4D {
  return runKernel(SpikeConv2D, { x, filter, scale, shift }, {});
}
