/** The kernels of the backend `tensorflow`: tfjs-node and tfjs-node-gpu. */
import type { KernelConfig } from '@tensorflow/tfjs';
import type { Backend } from '../kernel';
import { attentionKernels } from './attention';
import { tensorflowBackend } from './backend';
import { batchNormKernels, nativeBatchNormKernels } from './batch_norm';
import { conv2DOverrides } from './conv2d';
import { depthwiseFilterGradientOverride } from './depthwise_conv2d';
import { batchMatMulOverride } from './mat_mul';
import { maxPoolKernels, nativeMaxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';
import { nativeOpsInUse } from './native_ops';
import { spikeConv2DKernel } from './spike_conv2d';
import { updateKernels } from './updates';

export { nativeOpsInUse };

function kernels(): KernelConfig[] {
  const backend = tensorflowBackend();
  // On a GPU, TensorFlow's ops save different things for their gradients than these kernels expect.
  if (!backend || backend.isUsingGpuDevice) return [];
  const stock = [...batchNormKernels, ...maxPoolKernels];
  if (typeof nativeOpsInUse() === 'string') return stock;
  return [
    ...multiStepLIFKernels,
    ...nativeBatchNormKernels,
    ...nativeMaxPoolKernels,
    spikeConv2DKernel,
    ...updateKernels,
    ...attentionKernels,
    ...stock,
  ];
}

export const tensorflow: Backend = {
  name: 'tensorflow',
  kernels,
  // Kernels of tfjs-node that refuse what TensorFlow supports, multiply zeros, or are slow.
  overrides: () =>
    tensorflowBackend()
      ? [...conv2DOverrides, depthwiseFilterGradientOverride, batchMatMulOverride]
      : [],
};
