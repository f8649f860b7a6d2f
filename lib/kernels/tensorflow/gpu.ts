/** What this library has of its own on tfjs-node-gpu: by the native ops' CUDA kernels. */
import type { KernelConfig } from '@tensorflow/tfjs';
import { attentionKernels } from './attention';
import { nativeBatchNormKernels } from './batch_norm';
import { nativeMaxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';
import { updateKernels } from './updates';

export const gpuKernels: KernelConfig[] = [
  ...multiStepLIFKernels,
  ...nativeBatchNormKernels,
  ...nativeMaxPoolKernels,
  ...updateKernels,
  ...attentionKernels,
];
