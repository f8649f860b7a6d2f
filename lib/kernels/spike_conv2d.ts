/** SpikeConv2D: convolutions and linear maps of spikes at inference. */

import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { BatchNormAttrs } from './batch_norm';
import { affineAmong, affineInputs, type ChannelAffine, scaleAndShift } from './batch_norm_affine';
import { type KernelDefinition, present, runKernel, runKernelOrForm } from './kernel';
import { stockProduct } from './spike_product';

/**
 * A convolution of spikes at inference, with stride 1 and padding 'same', and the batch norm after it as one factor and
 * one term per channel: y = scale * conv(x, filter) + shift. It has no gradient. Inputs: x `[..., height, width,
 * channels]`, any numbers, faster the more zeros it has; filter `[size, size, channels, filters]`, size odd; or x `[...,
 * channels]` and filter `[channels, filters]` for their matrix product; scale, shift `[filters]`. Output: y, shaped as x
 * but for its channels, equal to a dense sum even if the filter is infinite or NaN.
 */
export const SpikeConv2D = 'SpikeConv2D';

export interface SpikeConv2DInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  filter: TensorInfo;
  scale: TensorInfo;
  shift: TensorInfo;
}

/**
 * An addend plus SpikeConv2D, as a residual connection has it, as one kernel. Only backends with a native kernel run it;
 * it has no gradient. Inputs: those of SpikeConv2D, or those of BatchNormAffine instead of scale and shift; addend,
 * shaped as the output. Attribute: epsilon, as in BatchNormAffine. Output: equal in every bit to that of the operations
 * one after the other.
 */
export const SpikeConv2DAdd = 'SpikeConv2DAdd';

/** x and filter as a convolution of images; a matrix product is one of an image that is one pixel wide. */
export function convSizes({ x, filter }: { x: TensorInfo; filter: TensorInfo }) {
  const [channels, filters] = filter.shape.slice(-2) as [number, number];
  const size = filter.shape.length === 2 ? 1 : filter.shape[0]!;
  const sizes = { channels, size, filters };
  if (size === 1) {
    const height = tf.util.sizeFromShape(x.shape.slice(0, -1));
    return { batch: 1, height, width: 1, ...sizes };
  }
  const [height, width] = x.shape.slice(-3) as [number, number];
  return { batch: tf.util.sizeFromShape(x.shape.slice(0, -3)), height, width, ...sizes };
}

/** The composed form: a dense convolution, or matrix product, by the scaled filter. */
export function spikeConv2D(
  x: tf.Tensor,
  filter: tf.Tensor,
  scale: tf.Tensor,
  shift: tf.Tensor,
): tf.Tensor {
  const [channels, filters] = filter.shape.slice(-2) as [number, number];
  // webgpu refuses to convolve zero images; with zero channels the sum is 0.
  if (x.size === 0) return tf.zeros([...x.shape.slice(0, -1), filters]).add(shift);
  const scaled = filter.mul(scale);
  const isPointwise = filter.rank === 4 && filter.shape[0] === 1;
  return stockProduct(x, isPointwise ? scaled.reshape([channels, filters]) : scaled).add(shift);
}

/** The operations that it replaces. */
export function addToSpikeConv(
  inputs: Record<string, tf.Tensor>,
  attrs: BatchNormAttrs,
): tf.Tensor {
  const { x, filter, addend } = inputs;
  return tf.tidy(() => tf.add(addend!, runSpikeConv2D(x!, filter!, affineAmong(inputs, attrs))));
}

const adding: KernelDefinition = { name: SpikeConv2DAdd, standsFor: addToSpikeConv };

export const spikeConv2DDefinitions: KernelDefinition[] = [
  {
    name: SpikeConv2D,
    composed: ({ x, filter, scale, shift }) => spikeConv2D(x!, filter!, scale!, shift!),
  },
  adding,
];

export function runSpikeConv2D(
  x: tf.Tensor,
  filter: tf.Tensor,
  affine: ChannelAffine,
  addend?: tf.Tensor,
): tf.Tensor {
  if (!addend) return runKernel(SpikeConv2D, { x, filter, ...scaleAndShift(affine) }, {});
  const [inputs, attrs] = affineInputs(affine);
  return runKernelOrForm(adding, present({ x, filter, ...inputs, addend }), attrs);
}
