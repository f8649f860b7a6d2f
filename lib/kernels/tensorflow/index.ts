/** The kernels of the backend `tensorflow`: tfjs-node and tfjs-node-gpu. */
import type { KernelConfig } from '@tensorflow/tfjs';
import { tensorflowBackend } from './backend';
import { batchNormKernels } from './batch_norm';
import { conv2DOverrides } from './conv2d';
import { maxPoolKernels, nativeMaxPoolKernels } from './max_pool';
import { multiStepLIFKernels } from './multi_step_lif';
import { loadNativeOps, type NativeOps } from './native_ops';

/** The native ops that the backend runs, or why it does without. */
export function nativeOpsInUse(): NativeOps | string {
  const backend = tensorflowBackend();
  if (!backend) return 'the backend tensorflow has not been started';
  if (backend.isUsingGpuDevice) return 'the native ops run on CPUs, and TensorFlow uses a GPU here';
  return loadNativeOps(`@tensorflow/tfjs-node${backend.isGPUPackage ? '-gpu' : ''}`);
}

/** This library's own kernels; where there are none, composed forms serve. */
export function tensorflowKernels(): KernelConfig[] {
  const backend = tensorflowBackend();
  // TensorFlow's own ops keep other things for their gradients on a GPU than they do here.
  if (!backend || backend.isUsingGpuDevice) return [];
  const stock = [...batchNormKernels, ...maxPoolKernels];
  if (typeof nativeOpsInUse() === 'string') return stock;
  // The first kernel of a name is taken.
  return [...multiStepLIFKernels, ...nativeMaxPoolKernels, ...stock];
}

/** Kernels of tfjs-node that refuse what TensorFlow can do. */
export function tensorflowOverrides(): KernelConfig[] {
  return tensorflowBackend() ? conv2DOverrides : [];
}
