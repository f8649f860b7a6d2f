/** SpikeConv2D on tfjs-node: our op, which skips zeros, or the composed form if there are few zeros. */
import type { Tensor } from '@tensorflow/tfjs';
import { convSizes, SpikeConv2D, type SpikeConv2DInputs, spikeConv2D } from '../spike_conv2d';
import { kernel } from './backend';
import { mayBeWorthSkipping, skippingConv } from './spikes';

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
