/**
 * Gives the current backend every kernel it needs: its own of ours where we have them, the composed
 * form where not, and in place of tfjs's those that it lacks, has wrong, or has slow.
 */
import * as tf from '@tensorflow/tfjs';
import { composedKernels } from './composed';
import { cpuKernels, cpuOverrides } from './cpu';
import { installOverride } from './override';
import { tensorflowKernels, tensorflowOverrides } from './tensorflow';
import { installWasmOverrides, wasmKernels } from './wasm';
import { correctPrecision, webglKernels, webglOverrides } from './webgl';
import { webgpuKernels, webgpuOverrides } from './webgpu';

function nativeKernels(backendName: string): tf.KernelConfig[] {
  if (backendName === 'cpu') return cpuKernels;
  if (backendName === 'wasm') return wasmKernels();
  if (backendName === 'tensorflow') return tensorflowKernels();
  if (backendName === 'webgl') return webglKernels();
  if (backendName === 'webgpu') return webgpuKernels;
  return [];
}

/** Installs once a backend; cheap to call before every operation. */
export function installKernels(): void {
  tf.backend(); // Starts the default backend, or says which one must be awaited.
  const backendName = tf.getBackend();
  if (backendName === 'wasm') installWasmOverrides();
  if (backendName === 'cpu') cpuOverrides.forEach(installOverride);
  if (backendName === 'tensorflow') tensorflowOverrides().forEach(installOverride);
  if (backendName === 'webgl') webglOverrides().forEach(installOverride);
  if (backendName === 'webgpu') webgpuOverrides().forEach(installOverride);
  if (composedKernels.every(({ kernelName }) => tf.getKernel(kernelName, backendName))) return;
  if (backendName === 'webgl') correctPrecision(tf.backend());
  const kernels = [
    ...nativeKernels(backendName),
    ...composedKernels.map((kernel) => ({ ...kernel, backendName })),
  ];
  for (const kernel of kernels) {
    if (!tf.getKernel(kernel.kernelName, backendName)) tf.registerKernel(kernel);
  }
}

/** Whether the kernels run by the current backend are its own, rather than composed of stock ops. */
export function hasNativeKernels(backendName: string): boolean {
  return nativeKernels(backendName).length > 0;
}
