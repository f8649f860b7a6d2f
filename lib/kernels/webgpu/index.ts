/** The webgpu backend's kernels: native ones, and replacements for stock ones. */
import { getKernel, type TensorInfo } from '@tensorflow/tfjs';
import type { Backend } from '../kernel';
import { type PadAttrs, pad } from '../shaders/pad';
import { attentionKernels } from './attention';
import { kernel } from './backend';
import { batchNormKernels } from './batch_norm';
import { binaryOverrides } from './binary';
import { castOverride } from './cast';
import { maxPoolGradOverride, maxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';
import { productOverrides } from './spike_storage';
import { transposeOverride } from './transpose';

const padOverride = kernel<{ x: TensorInfo }, PadAttrs>('PadV2', ({ x }, backend, attrs) =>
  pad(x, attrs, backend, 'webgpu'),
);

/** These fall back to tfjs's kernels, so they need those. */
const mended = [
  castOverride,
  padOverride,
  transposeOverride,
  ...binaryOverrides,
  ...productOverrides,
];

export const webgpu: Backend = {
  name: 'webgpu',
  kernels: () => [
    ...multiStepLIFKernels,
    ...batchNormKernels,
    ...maxPoolKernels,
    ...attentionKernels,
  ],
  overrides: () => [
    maxPoolGradOverride,
    ...mended.filter(({ kernelName }) => getKernel(kernelName, 'webgpu')),
  ],
};
