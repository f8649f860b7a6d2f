/**
 * Gives the current backend every kernel it needs: its own of ours where we have them, the composed
 * form where not, and on wasm the gradients that tfjs lacks, has wrong, or has slow.
 */
import * as tf from '@tensorflow/tfjs';
import { composedKernels } from './composed';
import { cpuKernels, cpuOverrides } from './cpu';
import { installOverride } from './override';
import { tensorflowKernels, tensorflowOverrides } from './tensorflow';
import { installWasmOverrides, wasmKernels } from './wasm';

function nativeKernels(backendName: string): tf.KernelConfig[] {
  if (backendName === 'cpu') return cpuKernels;
  if (backendName === 'wasm') return wasmKernels();
  if (backendName === 'tensorflow') return tensorflowKernels();
  return [];
}

/** Installs once a backend; cheap to call before every operation. */
export function installKernels(): void {
  tf.backend(); // Starts the default backend, or says which one must be awaited.
  const backendName = tf.getBackend();
  if (backendName === 'wasm') installWasmOverrides();
  if (backendName === 'cpu') cpuOverrides.forEach(installOverride);
  if (backendName === 'tensorflow') tensorflowOverrides().forEach(installOverride);
  if (composedKernels.every(({ kernelName }) => tf.getKernel(kernelName, backendName))) return;
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
