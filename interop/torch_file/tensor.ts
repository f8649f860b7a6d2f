/** A PyTorch tensor's numbers: strides and offset of its storage undone, in row-major order. */
import type { Reading } from '../byte_source';
import { CheckpointError } from '../checkpoint_error';
import { type Dtype, dtypes, type StateTensor, tensorAt } from '../state_dict';
import type { TorchFile } from './open';
import type { TorchTensor } from './values';

/** From the first to the last element, in elements. */
function span({ shape, strides, count }: TorchTensor): number {
  if (count === 0) return 0;
  return 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);
}

function isRowMajor({ shape, strides }: TorchTensor): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis]! > 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** What reading a tensor takes at most, in bytes: expanded and scattered tensors cost more than they lie in. */
export function costOf(tensor: TorchTensor): number {
  return Math.max(tensor.count, span(tensor)) * dtypes[tensor.dtype].bytes;
}

/** Reads one tensor; a view of the file's bytes where it lies there in order. */
export function* readTensor(file: TorchFile, tensor: TorchTensor): Reading<StateTensor> {
  const { storage, dtype, offset, shape, count } = tensor;
  const width = dtypes[dtype].bytes;
  if (count === 0) return tensorAt(new Uint8Array(0), 0, dtype, shape, 0);
  const length = span(tensor);
  let bytes = yield* file.read(storage, offset * width, (offset + length) * width);
  if (file.bigEndian && width > 1) {
    if (storage.type.dtype === 'untyped') {
      throw new CheckpointError(
        'numbers of an untyped storage must lie with their lowest byte first',
      );
    }
    bytes = swapped(bytes, storage.type.width);
  }
  if (!isRowMajor(tensor)) bytes = gather(bytes, tensor, width);
  const read = tensorAt(bytes, 0, dtype, shape, count);
  return tensor.negated ? ({ ...read, data: negative(dtype, read.data) } as StateTensor) : read;
}

/** A copy with every sign changed: the highest bit of a float, NaN or not; whole numbers wrap, as PyTorch's. */
function negative(
  dtype: Dtype,
  { buffer, byteOffset, byteLength }: StateTensor['data'],
): StateTensor['data'] {
  const { bytes: width, view } = dtypes[dtype];
  const copy = new Uint8Array(buffer, byteOffset, byteLength).slice();
  const data = view(copy.buffer, 0, byteLength / width);
  if (data instanceof BigInt64Array) {
    for (let i = 0; i < data.length; i++) data[i] = -data[i]!;
  } else if (/^[IU]/.test(dtype)) {
    for (let i = 0; i < data.length; i++) data[i] = -data[i]!;
  } else {
    for (let i = width - 1; i < copy.length; i += width) copy[i] = copy[i]! ^ 0x80;
  }
  return data;
}

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const result = bytes.slice();
  for (let i = 0; i < result.length; i += width) result.subarray(i, i + width).reverse();
  return result;
}

/** Copies elements in row-major order, byte by byte so that no bit of a NaN changes. */
function gather(bytes: Uint8Array, tensor: TorchTensor, width: number): Uint8Array {
  const { shape, strides, count } = tensor;
  const result = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to += width) {
    for (let i = 0; i < width; i++) result[to + i] = bytes[from * width + i]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
