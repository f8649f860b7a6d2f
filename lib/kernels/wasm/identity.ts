/**
 * Clones on wasm share their data, as on every other backend. tfjs copies it, and its tape clones everything that a
 * gradient saves.
 */
import type { KernelBackend, KernelConfig, TensorInfo } from '@tensorflow/tfjs';

export const identityOverride: KernelConfig = {
  kernelName: 'Identity',
  backendName: 'wasm',
  kernelFunc: ({ inputs, backend }) => {
    const { dataId, shape, dtype } = inputs.x as TensorInfo;
    (backend as KernelBackend).incRef(dataId);
    return { dataId, shape, dtype };
  },
};
