/** SpikeConv2DPool: a convolution of spikes at inference and the max pool behind it as one kernel. */
import * as tf from '@tensorflow/tfjs';
import type { BatchNormAttrs } from './batch_norm';
import { affineAmong, affineInputs, type ChannelAffine } from './batch_norm_affine';
import { type KernelDefinition, present, runKernelOrForm } from './kernel';
import { type MaxPoolAttrs, runFirstMaxPool } from './max_pool';
import { runSpikeConv2D } from './spike_conv2d';
import { folded } from './spike_product';

/**
 * SpikeConv2D followed by FirstMaxPool, as one kernel that stores nothing in between. Only backends with a native kernel
 * run it; it has no gradient. Inputs: those of SpikeConv2D, x `[batch, time, height, width, channels]`, or those of
 * BatchNormAffine instead of scale and shift. Attributes: those of FirstMaxPool; epsilon, as in BatchNormAffine. Output:
 * `[batch, time, pooled height, pooled width, filters]`, equal in every bit to that of the kernels one after the other.
 */
export const SpikeConv2DPool = 'SpikeConv2DPool';

export type SpikeConv2DPoolAttrs = MaxPoolAttrs & BatchNormAttrs;

/** The kernels that it replaces. */
export function spikeConvThenPool(
  inputs: Record<string, tf.Tensor>,
  { epsilon, ...pool }: SpikeConv2DPoolAttrs,
): tf.Tensor {
  return tf.tidy(() => {
    const { x, filter } = inputs;
    const y = runSpikeConv2D(x!, filter!, affineAmong(inputs, { epsilon }));
    const pooled = runFirstMaxPool(folded(y, 4) as tf.Tensor4D, pool);
    return pooled.reshape([...y.shape.slice(0, -3), ...pooled.shape.slice(1)]);
  });
}

const definition: KernelDefinition = { name: SpikeConv2DPool, standsFor: spikeConvThenPool };

export const spikeConv2DPoolDefinitions: KernelDefinition[] = [definition];

export function runSpikeConv2DPool(
  x: tf.Tensor,
  filter: tf.Tensor,
  affine: ChannelAffine,
  pool: MaxPoolAttrs,
): tf.Tensor {
  const [inputs, attrs] = affineInputs(affine);
  return runKernelOrForm(definition, present({ x, filter, ...inputs }), { ...pool, ...attrs });
}
