/** The kernels of the backend `tensorflow`: tfjs-node and tfjs-node-gpu. */
import type { KernelConfig } from '@tensorflow/tfjs';
import { attentionKernels } from './attention';
import { tensorflowBackend } from './backend';
import { batchNormKernels, nativeBatchNormKernels } from './batch_norm';
import { conv2DOverrides } from './conv2d';
import { batchMatMulOverride } from './mat_mul';
import { maxPoolKernels, nativeMaxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';
import { nativeOpsInUse } from './native_ops';
import { spikeConv2DKernel } from './spike_conv2d';
import { updateKernels } from './updates';

export { nativeOpsInUse };

/** This library's own kernels; where there are none, composed forms serve. */
export function tensorflowKernels(): KernelConfig[] {
  const backend = tensorflowBackend();
  // TensorFlow's own ops keep other things for their gradients on a GPU than they do here.
  if (!backend || backend.isUsingGpuDevice) return [];
  const stock = [...batchNormKernels, ...maxPoolKernels];
  if (typeof nativeOpsInUse() === 'string') return stock;
  // The first kernel of a name is taken.
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

/** In the place of tfjs-node's: what refuses what TensorFlow can do, or multiplies zeros. */
export function tensorflowOverrides(): KernelConfig[] {
  return tensorflowBackend() ? [...conv2DOverrides, batchMatMulOverride] : [];
}
