/** The part of a tfjs backend that the cpu kernels need: float32 values in, float32 values out. */
import type { KernelBackend, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';

export interface CpuKernelArgs<Inputs extends NamedTensorInfoMap, Attrs> {
  inputs: Inputs;
  attrs: Attrs;
  backend: KernelBackend;
}

export function values(backend: KernelBackend, x: TensorInfo): Float32Array {
  return backend.readSync(x.dataId) as Float32Array;
}

/** Whether no number is NaN or infinite. If one is, zeros must not be skipped: 0 times it is NaN. */
export function areFinite(x: Float32Array): boolean {
  return x.every(Number.isFinite);
}

export function output(backend: KernelBackend, data: Float32Array, shape: number[]): TensorInfo {
  return { dataId: backend.write(data, shape, 'float32'), shape, dtype: 'float32' };
}
