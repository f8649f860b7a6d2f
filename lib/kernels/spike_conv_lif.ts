/** SpikeConv2DLIF: a convolution or linear map of spikes at inference and the neurons behind it as one kernel. */
import type * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import { type KernelDefinition, present, runKernelOrForm } from './kernel';
import { type NeuronAttrs, runMultiStepLIF } from './multi_step_lif';
import { runSpikeConv2D, type SpikeConv2DInputs } from './spike_conv2d';

/**
 * SpikeConv2D followed by MultiStepLIF without first membranes, as one kernel that stores nothing in between. Only
 * backends with a native kernel run it; it has no gradient. Inputs: those of SpikeConv2D, x `[batch, time, height,
 * width, channels]`, or `[batch, time, ..., channels]` for a matrix product; w as in MultiStepLIF, optional. Output:
 * spikes, equal in every bit to those of the two kernels.
 */
export const SpikeConv2DLIF = 'SpikeConv2DLIF';

export interface SpikeConv2DLIFInputs extends SpikeConv2DInputs {
  w: TensorInfo;
}

/** The two kernels that it replaces. */
export function spikeConvThenLIF(
  { x, filter, scale, shift, w }: Record<string, tf.Tensor>,
  attrs: NeuronAttrs,
): tf.Tensor {
  const y = runSpikeConv2D(x!, filter!, scale!, shift!);
  const [spikes, v] = runMultiStepLIF(y, attrs, undefined, w, {
    lastMembranes: false,
    forLayers: true,
  });
  v.dispose();
  y.dispose();
  return spikes;
}

const definition: KernelDefinition = { name: SpikeConv2DLIF, standsFor: spikeConvThenLIF };

export const spikeConv2DLIFDefinitions: KernelDefinition[] = [definition];

export function runSpikeConv2DLIF(
  x: tf.Tensor,
  filter: tf.Tensor,
  scale: tf.Tensor,
  shift: tf.Tensor,
  attrs: NeuronAttrs,
  w?: tf.Tensor,
): tf.Tensor {
  return runKernelOrForm(definition, present({ x, filter, scale, shift, w }), attrs);
}
