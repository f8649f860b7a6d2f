/**
 * Convolutions and linear maps of spikes at inference. The batch norm after them is one factor and one term per
 * channel, or its weights. Zeros, 70 to 95 % of spikes, cost nothing if the backend has a kernel.
 */
import * as tf from '@tensorflow/tfjs';
import {
  installKernels,
  runSpikeConv2D,
  runSpikeConv2DLIF,
  runSpikeConv2DPool,
  runSpikeProduct,
} from './kernels';
import { affineInputs, type ChannelAffine } from './kernels/batch_norm_affine';
import type { NeuronAttrs } from './kernels/multi_step_lif';
import { folded } from './kernels/spike_product';
import { checkFitsPool, type MaxPoolParams, resolveMaxPool } from './max_pool';
import { checkInput } from './neuron';
import { invalid } from './validate';

export { scaleAndShift } from './kernels';
export type { ChannelAffine } from './kernels/batch_norm_affine';

/** Other sizes or types would make a kernel misread its inputs. */
function checkSizes(
  x: tf.Tensor,
  [channels, filters]: [number, number],
  affine: ChannelAffine,
  addend?: tf.Tensor,
): void {
  if (x.dtype !== 'float32') throw invalid('x', 'of dtype float32', x.dtype);
  if (x.shape.at(-1) !== channels) throw invalid('x', `of ${channels} channels`, x.shape);
  const check = (name: string, tensor: tf.Tensor | undefined, shape: number[]) => {
    if (tensor && `${tensor.shape}` !== `${shape}`) {
      throw invalid(name, `of shape [${shape}]`, tensor.shape);
    }
  };
  for (const [name, tensor] of Object.entries(affineInputs(affine)[0])) {
    check(name, tensor, [filters]);
  }
  check('addend', addend, [...x.shape.slice(0, -1), filters]);
}

/**
 * scale conv(x, filter) + shift, with stride 1 and padding 'same'; plus `addend`, if there is one.
 * @param x `[..., height, width, channels]`.
 * @param filter `[size, size, channels, filters]`, size odd.
 * @param addend Shaped as the result.
 */
export function spikeConv2d(
  x: tf.Tensor,
  filter: tf.Tensor4D,
  affine: ChannelAffine,
  addend?: tf.Tensor,
): tf.Tensor {
  const [, , channels, filters] = filter.shape;
  checkSizes(x, [channels, filters], affine, addend);
  return runSpikeConv2D(x, filter, affine, addend);
}

/**
 * scale (x kernel) + shift; plus `addend`, if there is one.
 * @param x `[..., channels]`.
 * @param kernel `[channels, units]`.
 * @param addend Shaped as the result.
 */
export function spikeLinear(
  x: tf.Tensor,
  kernel: tf.Tensor2D,
  affine: ChannelAffine,
  addend?: tf.Tensor,
): tf.Tensor {
  const [channels, units] = kernel.shape;
  checkSizes(x, [channels, units], affine, addend);
  return runSpikeConv2D(x, kernel, affine, addend);
}

/** Neurons behind a map: their complete parameters; w, the weight of a learned time constant, as in `multiStepPLIF`. */
export interface MapNeurons {
  attrs: NeuronAttrs;
  w?: tf.Tensor;
}

/**
 * The spikes of the neurons behind `spikeConv2d`, or, if the filter is a matrix, behind `spikeLinear`. A backend with
 * one kernel for both never stores the map.
 * @param x `[batch, time, height, width, channels]`, or `[batch, time, ..., channels]` for a matrix.
 */
export function spikeConvLIF(
  x: tf.Tensor,
  filter: tf.Tensor,
  affine: ChannelAffine,
  { attrs, w }: MapNeurons,
): tf.Tensor {
  checkSizes(x, filter.shape.slice(-2) as [number, number], affine);
  const isLinear = filter.rank === 2;
  if (isLinear ? x.rank < 3 : x.rank !== 5) {
    const between = isLinear ? '...' : 'height, width';
    throw invalid('x', `of shape [batch, time, ${between}, channels]`, x.shape);
  }
  checkInput(x);
  return runSpikeConv2DLIF(x, filter, affine, attrs, w);
}

/**
 * The max pool, as `maxPoolOverTime`, of `spikeConv2d`. A backend with one kernel for both never stores the map.
 * @param x `[batch, time, height, width, channels]`.
 */
export function spikeConvPool(
  x: tf.Tensor,
  filter: tf.Tensor4D,
  affine: ChannelAffine,
  pool: MaxPoolParams,
): tf.Tensor {
  checkSizes(x, filter.shape.slice(-2) as [number, number], affine);
  if (x.rank !== 5) throw invalid('x', 'of shape [batch, time, height, width, channels]', x.shape);
  const attrs = resolveMaxPool(pool);
  checkFitsPool(x, attrs);
  return runSpikeConv2DPool(x, filter, affine, attrs);
}

/**
 * tfjs's conv2d, on every backend also with numeric padding, which tfjs-node refuses. Images may have several axes
 * before height, width and channels.
 */
export function conv2d(
  x: tf.Tensor,
  filter: tf.Tensor4D,
  strides: number,
  padding: number | 'same',
): tf.Tensor {
  if (strides === 1 && padding === 'same') return runSpikeProduct(x, filter);
  installKernels();
  const y = tf.conv2d(folded(x, 4) as tf.Tensor4D, filter, strides, padding);
  return y.reshape([...x.shape.slice(0, -3), ...y.shape.slice(1)]);
}

/**
 * x kernel.
 * @param x `[..., channels]`.
 * @param kernel `[channels, units]`.
 */
export const linear = (x: tf.Tensor, kernel: tf.Tensor): tf.Tensor => runSpikeProduct(x, kernel);

/**
 * One filter per channel, `[size, size, 1, channels]`, with stride 1 and padding 'same'.
 * @param x `[batch, height, width, channels]`.
 */
export function depthwiseConv2d(x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D {
  installKernels();
  const [size, , , channels] = filter.shape;
  return tf.depthwiseConv2d(x, filter.reshape<tf.Tensor4D>([size, size, channels, 1]), 1, 'same');
}
