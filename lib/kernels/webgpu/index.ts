/** The webgpu backend's kernels: this library's own, and the stock ones that it replaces. */
import { getKernel, type TensorInfo } from '@tensorflow/tfjs';
import type { Backend } from '../kernel';
import { type PadAttrs, pad } from '../shaders/pad';
import { kernel } from './backend';
import { batchNormKernels } from './batch_norm';
import { binaryOverrides } from './binary';
import { castOverride } from './cast';
import { maxPoolGradOverride, maxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';
import { transposeOverride } from './transpose';

const padOverride = kernel<{ x: TensorInfo }, PadAttrs>('PadV2', ({ x }, backend, attrs) =>
  pad(x, attrs, backend, 'webgpu'),
);

/** Those that leave to tfjs what it can do: nothing without tfjs's own. */
const mended = [castOverride, padOverride, transposeOverride, ...binaryOverrides];

export const webgpu: Backend = {
  name: 'webgpu',
  kernels: () => [...multiStepLIFKernels, ...batchNormKernels, ...maxPoolKernels],
  overrides: () => [
    maxPoolGradOverride,
    ...mended.filter(({ kernelName }) => getKernel(kernelName, 'webgpu')),
  ],
};
