/**
 * SpikeConv2D on tfjs-node: our op, which skips zeros, or the composed form if there are few zeros; and the same that
 * adds to a tensor, or with the neurons or the pool behind it.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { BatchNormAttrs } from '../batch_norm';
import { affineAmong } from '../batch_norm_affine';
import { SpikeConv2DLIF, type SpikeConv2DLIFAttrs, spikeConvThenLIF } from '../spike_conv_lif';
import { SpikeConv2DPool, type SpikeConv2DPoolAttrs, spikeConvThenPool } from '../spike_conv_pool';
import {
  addToSpikeConv,
  convSizes,
  SpikeConv2D,
  SpikeConv2DAdd,
  type SpikeConv2DInputs,
  spikeConv2D,
} from '../spike_conv2d';
import { kernel } from './backend';
import {
  type ConvWithAffine,
  mayBeWorthSkipping,
  skippingConv,
  skippingConvLIF,
  skippingConvPool,
} from './spikes';

export const spikeConv2DKernel = kernel<Record<keyof SpikeConv2DInputs, Tensor>, object>(
  SpikeConv2D,
  ({ x, filter, scale, shift }, backend) => {
    const { size, filters } = convSizes({ x, filter });
    const skipped = mayBeWorthSkipping(x, filters, size)
      ? skippingConv(backend, x, filter, { affine: { scale, shift } }).y
      : null;
    return skipped ?? spikeConv2D(x, filter, scale, shift);
  },
);

export const spikeConv2DAddKernel = kernel<ConvWithAffine & { addend: Tensor }, BatchNormAttrs>(
  SpikeConv2DAdd,
  (inputs, backend, attrs) => {
    const { x, filter, addend } = inputs;
    const { size, filters } = convSizes(inputs);
    const affine = affineAmong(inputs, attrs);
    const skipped = mayBeWorthSkipping(x, filters, size)
      ? skippingConv(backend, x, filter, { affine, addend }).y
      : null;
    return skipped ?? addToSpikeConv(inputs, attrs);
  },
);

export const spikeConv2DLIFKernel = kernel<ConvWithAffine, SpikeConv2DLIFAttrs>(
  SpikeConv2DLIF,
  (inputs, backend, attrs) => {
    const { size, filters } = convSizes(inputs);
    const spikes = mayBeWorthSkipping(inputs.x, filters, size)
      ? skippingConvLIF(backend, inputs, attrs)
      : null;
    return spikes ?? spikeConvThenLIF(inputs, attrs);
  },
);

export const spikeConv2DPoolKernel = kernel<ConvWithAffine, SpikeConv2DPoolAttrs>(
  SpikeConv2DPool,
  (inputs, backend, attrs) => {
    const { size, filters } = convSizes(inputs);
    const pooled = mayBeWorthSkipping(inputs.x, filters, size)
      ? skippingConvPool(backend, inputs, attrs)
      : null;
    return pooled ?? spikeConvThenPool(inputs, attrs);
  },
);
