/**
 * SpikeConv2D on tfjs-node: our op, which skips zeros, or the composed form if there are few zeros; and the same that
 * adds to a tensor, or with the neurons or the pool behind it.
 */
import type { Tensor } from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import type { BatchNormAttrs } from '../batch_norm';
import { affineAmong } from '../batch_norm_affine';
import { SpikeConv2DLIF, spikeConvThenLIF } from '../spike_conv_lif';
import { SpikeConv2DPool, spikeConvThenPool } from '../spike_conv_pool';
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

/** A kernel that replaces some: one op if zeros may be worth skipping and it gives a result, else those kernels. */
const inOneOp = <Attrs>(
  name: string,
  skipping: (backend: TensorflowBackend, inputs: ConvWithAffine, attrs: Attrs) => Tensor | null,
  apart: (inputs: ConvWithAffine, attrs: Attrs) => Tensor,
) =>
  kernel<ConvWithAffine, Attrs>(name, (inputs, backend, attrs) => {
    const { size, filters } = convSizes(inputs);
    const worth = mayBeWorthSkipping(inputs.x, filters, size);
    return (worth ? skipping(backend, inputs, attrs) : null) ?? apart(inputs, attrs);
  });

export const spikeConv2DAddKernel = inOneOp(
  SpikeConv2DAdd,
  (backend, inputs, attrs: BatchNormAttrs) => {
    const { x, filter, addend } = inputs;
    return skippingConv(backend, x, filter, { affine: affineAmong(inputs, attrs), addend }).y;
  },
  addToSpikeConv,
);

export const spikeConv2DLIFKernel = inOneOp(SpikeConv2DLIF, skippingConvLIF, spikeConvThenLIF);

export const spikeConv2DPoolKernel = inOneOp(SpikeConv2DPool, skippingConvPool, spikeConvThenPool);
