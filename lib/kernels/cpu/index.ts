/** The cpu backend's kernels: native ones, and the replacement for a stock one. */
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
  // tfjs's kernel is correct but hundreds of times slower.
  overrides: () => [conv2DBackpropFilterOverride],
};
