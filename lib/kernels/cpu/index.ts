/** The cpu backend's kernels: this library's own, and the stock one that it replaces. */
import type { Backend } from '../kernel';
import { batchNormKernels } from './batch_norm';
import { conv2DBackpropFilterOverride } from './conv2d_backprop_filter';
import { maxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';
import { spikeConv2DConfig } from './spike_conv2d';

export const cpu: Backend = {
  name: 'cpu',
  kernels: () => [
    ...multiStepLIFKernels,
    ...batchNormKernels,
    ...maxPoolKernels,
    spikeConv2DConfig,
  ],
  // Right, and hundreds of times slower than it need be.
  overrides: () => [conv2DBackpropFilterOverride],
};
