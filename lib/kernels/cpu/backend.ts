/** What the cpu kernels need of a tfjs backend: float32 values in, float32 values out. */
import type { KernelBackend, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';

export interface CpuKernelArgs<Inputs extends NamedTensorInfoMap, Attrs> {
  inputs: Inputs;
  attrs: Attrs;
  backend: KernelBackend;
}

export function values(backend: KernelBackend, x: TensorInfo): Float32Array {
  return backend.readSync(x.dataId) as Float32Array;
}

/** Whether no number is NaN or infinite, of which 0 times makes NaN: else no zero may be skipped. */
export function areFinite(x: Float32Array): boolean {
  return x.every(Number.isFinite);
}

export function output(backend: KernelBackend, data: Float32Array, shape: number[]): TensorInfo {
  return { dataId: backend.write(data, shape, 'float32'), shape, dtype: 'float32' };
}
