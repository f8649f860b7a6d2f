/** The kernels of the backend `tensorflow`: tfjs-node and tfjs-node-gpu. */
import type { KernelConfig } from '@tensorflow/tfjs';
import type { Backend } from '../kernel';
import { packedAttentionKernels } from './attention';
import { tensorflowBackend } from './backend';
import { batchNormAffineKernel, batchNormKernels } from './batch_norm';
import { conv2DOverrides } from './conv2d';
import { depthwiseFilterGradientOverride } from './depthwise_conv2d';
import { gpuKernels } from './gpu';
import { layerNormKernels } from './layer_norm';
import { batchMatMulOverride } from './mat_mul';
import { maxPoolKernels, placedMaxPoolKernels } from './max_pool';
import { nativeOpsInUse } from './native_ops';
import { reshapeOverride } from './reshape';
import {
  spikeConv2DAddKernel,
  spikeConv2DKernel,
  spikeConv2DLIFKernel,
  spikeConv2DPoolKernel,
} from './spike_conv2d';
import { spikeProductKernels } from './spike_product';

export { nativeOpsInUse };

/** What the native ops have for CPUs alone. */
const cpuKernels = [
  batchNormAffineKernel,
  spikeConv2DKernel,
  spikeConv2DAddKernel,
  spikeConv2DLIFKernel,
  spikeConv2DPoolKernel,
  ...spikeProductKernels,
  ...placedMaxPoolKernels,
  ...layerNormKernels,
  ...packedAttentionKernels,
];

function kernels(): KernelConfig[] {
  const backend = tensorflowBackend();
  if (!backend) return [];
  const native = typeof nativeOpsInUse() !== 'string';
  // On a GPU, TensorFlow's ops save different things for their gradients than these kernels expect.
  if (backend.isUsingGpuDevice) return native ? gpuKernels : [];
  const stock = [...batchNormKernels, ...maxPoolKernels];
  return native ? [...gpuKernels, ...cpuKernels, ...stock] : stock;
}

export const tensorflow: Backend = {
  name: 'tensorflow',
  kernels,
  // Kernels of tfjs-node that refuse what TensorFlow supports, multiply zeros, or are slow.
  overrides: () =>
    tensorflowBackend()
      ? [...conv2DOverrides, depthwiseFilterGradientOverride, batchMatMulOverride, reshapeOverride]
      : [],
};
