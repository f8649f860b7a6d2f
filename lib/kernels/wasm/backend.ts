/** Memory of tfjs's wasm backend: pointers into its heap, and the allocations of kernels. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import { util } from '@tensorflow/tfjs';
import type { BackendWasm } from '../../tfjs_internals';

/**
 * The address of a tensor's first byte, valid until it is disposed, even if the heap grows. Throws if an allocation has
 * failed, in tfjs too: its sign is a null pointer, not an exception.
 */
export function pointer(backend: BackendWasm, tensor: TensorInfo): number {
  const { memoryOffset } = backend.dataIdMap.get(tensor.dataId);
  if (memoryOffset === 0 && util.sizeFromShape(tensor.shape) > 0) {
    throw new Error(
      `The wasm backend is out of memory: it cannot allocate a tensor of shape [${tensor.shape}]`,
    );
  }
  return memoryOffset;
}

/** A tensor's elements in place, valid until the next allocation. */
export function heapView(backend: BackendWasm, tensor: TensorInfo): Float32Array {
  const start = pointer(backend, tensor) >>> 2;
  return backend.wasm.HEAPF32.subarray(start, start + util.sizeFromShape(tensor.shape));
}

/** Whether XNNPACK has several threads: these kernels have one. */
export function isThreaded(backend: BackendWasm): boolean {
  return (backend.wasm.tfjs?.getThreadsCount() ?? 1) > 1;
}

/** Where a kernel allocates; see `withHeap`. */
export interface Heap {
  /** A tensor that the kernel returns. */
  output(shape: number[], dtype?: DataType): TensorInfo;
  /** float32 memory that is freed when the kernel returns. */
  scratch(length: number): TensorInfo;
}

/** Runs a kernel's body with a heap. Its scratch is freed afterwards; its outputs are freed too if the body throws. */
export function withHeap<T>(backend: BackendWasm, body: (heap: Heap) => T): T {
  const outputs: TensorInfo[] = [];
  const scratch: TensorInfo[] = [];
  const allocate = (list: TensorInfo[], shape: number[], dtype: DataType) => {
    const info = backend.makeOutput(shape, dtype);
    list.push(info);
    pointer(backend, info);
    return info;
  };
  try {
    return body({
      output: (shape, dtype = 'float32') => allocate(outputs, shape, dtype),
      scratch: (length) => allocate(scratch, [Math.max(1, length)], 'float32'),
    });
  } catch (error) {
    for (const info of outputs) backend.disposeData(info.dataId, true);
    throw error;
  } finally {
    for (const info of scratch) backend.disposeData(info.dataId, true);
  }
}

/** The addresses of several pieces of scratch, in one allocation: a kernel of microseconds would notice more. */
export function scratchOf<Name extends string>(
  backend: BackendWasm,
  heap: Heap,
  lengths: Record<Name, number>,
): Record<Name, number> {
  const sizes = Object.entries<number>(lengths);
  const total = sizes.reduce((sum, [, length]) => sum + length, 0);
  let address = pointer(backend, heap.scratch(total));
  const places = sizes.map(([name, length]) => {
    address += 4 * length;
    return [name, address - 4 * length];
  });
  return Object.fromEntries(places) as Record<Name, number>;
}

/** Throws unless every given tensor holds float32, the only type that the kernels support. */
export function checkFloat32(
  kernel: string,
  tensors: Record<string, TensorInfo | undefined>,
): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor && tensor.dtype !== 'float32') {
      throw new Error(`${kernel}: ${name} must be float32, but got ${tensor.dtype}`);
    }
  }
}
