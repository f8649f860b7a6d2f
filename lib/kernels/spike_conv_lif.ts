/** SpikeConv2DLIF: a convolution or linear map of spikes at inference and the neurons behind it as one kernel. */
import * as tf from '@tensorflow/tfjs';
import type { BatchNormAttrs } from './batch_norm';
import { affineAmong, affineInputs, type ChannelAffine } from './batch_norm_affine';
import { type KernelDefinition, present, runKernelOrForm } from './kernel';
import { type NeuronAttrs, runMultiStepLIF } from './multi_step_lif';
import { runSpikeConv2D } from './spike_conv2d';

/**
 * SpikeConv2D followed by MultiStepLIF without first membranes, as one kernel that stores nothing in between. Only
 * backends with a native kernel run it; it has no gradient. Inputs: those of SpikeConv2D, x `[batch, time, height,
 * width, channels]`, or `[batch, time, ..., channels]` for a matrix product, or those of BatchNormAffine instead of scale
 * and shift; w as in MultiStepLIF, optional. Attributes: those of MultiStepLIF; epsilon, as in BatchNormAffine. Output:
 * spikes, equal in every bit to those of the kernels one after the other.
 */
export const SpikeConv2DLIF = 'SpikeConv2DLIF';

export type SpikeConv2DLIFAttrs = NeuronAttrs & BatchNormAttrs;

/** The kernels that it replaces. */
export function spikeConvThenLIF(
  inputs: Record<string, tf.Tensor>,
  { epsilon, ...neuron }: SpikeConv2DLIFAttrs,
): tf.Tensor {
  return tf.tidy(() => {
    const { x, filter, w } = inputs;
    const y = runSpikeConv2D(x!, filter!, affineAmong(inputs, { epsilon }));
    const [spikes] = runMultiStepLIF(y, neuron, undefined, w, {
      lastMembranes: false,
      forLayers: true,
    });
    return spikes;
  });
}

const definition: KernelDefinition = { name: SpikeConv2DLIF, standsFor: spikeConvThenLIF };

export const spikeConv2DLIFDefinitions: KernelDefinition[] = [definition];

export function runSpikeConv2DLIF(
  x: tf.Tensor,
  filter: tf.Tensor,
  affine: ChannelAffine,
  neuron: NeuronAttrs,
  w?: tf.Tensor,
): tf.Tensor {
  const [inputs, attrs] = affineInputs(affine);
  return runKernelOrForm(definition, present({ x, filter, ...inputs, w }), { ...neuron, ...attrs });
}
