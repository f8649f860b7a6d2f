/**
 * SpikeConv2D on tfjs-node: our op, which skips zeros, or the composed form if there are few zeros; and the same that
 * adds to a tensor, or with the neurons behind it.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { NeuronAttrs } from '../multi_step_lif';
import { SpikeConv2DLIF, type SpikeConv2DLIFInputs, spikeConvThenLIF } from '../spike_conv_lif';
import {
  addToSpikeConv,
  convSizes,
  SpikeConv2D,
  SpikeConv2DAdd,
  type SpikeConv2DAddInputs,
  type SpikeConv2DInputs,
  spikeConv2D,
} from '../spike_conv2d';
import { kernel } from './backend';
import { mayBeWorthSkipping, skippingConv, skippingConvLIF } from './spikes';

export const spikeConv2DKernel = kernel<SpikeConv2DInputs, object>(
  SpikeConv2D,
  ({ x, filter, scale, shift }, backend) => {
    const { size, filters } = convSizes({ x, filter, scale, shift });
    const skipped = mayBeWorthSkipping(x, filters, size)
      ? skippingConv(backend, x, filter, { affine: [scale, shift] }).y
      : null;
    return skipped ?? spikeConv2D(x as Tensor, filter as Tensor, scale as Tensor, shift as Tensor);
  },
);

export const spikeConv2DAddKernel = kernel<SpikeConv2DAddInputs, object>(
  SpikeConv2DAdd,
  (inputs, backend) => {
    const { x, filter, scale, shift, addend } = inputs;
    const { size, filters } = convSizes(inputs);
    const skipped = mayBeWorthSkipping(x, filters, size)
      ? skippingConv(backend, x, filter, { affine: [scale, shift, addend] }).y
      : null;
    return skipped ?? addToSpikeConv(inputs as unknown as Record<string, Tensor>);
  },
);

export const spikeConv2DLIFKernel = kernel<SpikeConv2DLIFInputs, NeuronAttrs>(
  SpikeConv2DLIF,
  (inputs, backend, attrs) => {
    const { size, filters } = convSizes(inputs);
    const spikes = mayBeWorthSkipping(inputs.x, filters, size)
      ? skippingConvLIF(backend, inputs, attrs)
      : null;
    return spikes ?? spikeConvThenLIF(inputs as unknown as Record<string, Tensor>, attrs);
  },
);
