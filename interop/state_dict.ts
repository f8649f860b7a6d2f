/**
 * A state dict: named tensors in PyTorch's layouts, what checkpoints are read into and written from.
 * The dictionary has no prototype, so that no name in a file can reach Object's own members.
 */

/** The typed array that holds each dtype. Half floats stay as their 16 bits, a BOOL is a byte 0 or 1. */
export interface DtypeArrays {
  F64: Float64Array;
  F32: Float32Array;
  F16: Uint16Array;
  BF16: Uint16Array;
  I64: BigInt64Array;
  I32: Int32Array;
  I16: Int16Array;
  I8: Int8Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

/** Element types, with the names that safetensors gives them. */
export type Dtype = keyof DtypeArrays;

/** One tensor of dtype D: `data` holds its elements in row-major order. */
export interface TensorOf<D extends Dtype> {
  /** Sizes of the axes, outermost first; `[]` is a single number. */
  shape: number[];
  dtype: D;
  data: DtypeArrays[D];
}

/** A tensor of any dtype; `tensor.dtype === 'F32'` narrows the type of its data. */
export type StateTensor = { [D in Dtype]: TensorOf<D> }[Dtype];

/** Tensors by name, as readers return them. */
export type StateDict = Record<string, StateTensor>;

/** A tensor that stays in its file until it is read. */
export interface LazyTensor {
  readonly shape: number[];
  readonly dtype: Dtype;
  /** Its numbers, read again at every call. */
  read(): Promise<StateTensor>;
}

/** Tensors by name, each read on demand. */
export type LazyStateDict = Record<string, LazyTensor>;

/** What writers and loaders accept: a `Float32Array` may leave its dtype out. */
export type StateTensorLike =
  | StateTensor
  | { shape: number[]; dtype?: undefined; data: Float32Array };

/** Tensors by name, as writers and loaders accept them. */
export type StateDictLike = Record<string, StateTensorLike>;

/** An empty dictionary without prototype. */
export function emptyStateDict(): StateDict {
  return Object.create(null) as StateDict;
}

/** Reads all tensors of an opened file, one after the other. */
export async function readStateDict(lazy: LazyStateDict): Promise<StateDict> {
  const stateDict = emptyStateDict();
  for (const name of Object.keys(lazy)) stateDict[name] = await lazy[name]!.read();
  return stateDict;
}

interface DtypeInfo<D extends Dtype> {
  /** Bytes per element. */
  readonly bytes: number;
  /** Name of the typed array class. */
  readonly array: string;
  /** A view of `length` elements; `offset` must be a multiple of `bytes`. */
  view(buffer: ArrayBufferLike, offset: number, length: number): DtypeArrays[D];
}

/** Every dtype, in the order in which safetensors lays tensors out: the best aligned come first. */
export const dtypes: { readonly [D in Dtype]: DtypeInfo<D> } = {
  I64: { bytes: 8, array: 'BigInt64Array', view: (b, o, n) => new BigInt64Array(b, o, n) },
  F64: { bytes: 8, array: 'Float64Array', view: (b, o, n) => new Float64Array(b, o, n) },
  F32: { bytes: 4, array: 'Float32Array', view: (b, o, n) => new Float32Array(b, o, n) },
  I32: { bytes: 4, array: 'Int32Array', view: (b, o, n) => new Int32Array(b, o, n) },
  BF16: { bytes: 2, array: 'Uint16Array', view: (b, o, n) => new Uint16Array(b, o, n) },
  F16: { bytes: 2, array: 'Uint16Array', view: (b, o, n) => new Uint16Array(b, o, n) },
  I16: { bytes: 2, array: 'Int16Array', view: (b, o, n) => new Int16Array(b, o, n) },
  I8: { bytes: 1, array: 'Int8Array', view: (b, o, n) => new Int8Array(b, o, n) },
  U8: { bytes: 1, array: 'Uint8Array', view: (b, o, n) => new Uint8Array(b, o, n) },
  BOOL: { bytes: 1, array: 'Uint8Array', view: (b, o, n) => new Uint8Array(b, o, n) },
};

/** The names of all dtypes. */
export const dtypeNames = Object.keys(dtypes) as Dtype[];

/** Whether a text from a file names a dtype. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(dtypes, name);
}

/**
 * The number of elements of a shape; undefined if a size is not a non-negative integer, or if the product exceeds 2^53:
 * the caller reports the file and tensor.
 */
export function elementCount(shape: readonly number[]): number | undefined {
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return undefined;
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** A tensor over `count` elements from byte `offset`: a view if aligned, else a copy. */
export function tensorAt(
  bytes: Uint8Array,
  offset: number,
  dtype: Dtype,
  shape: number[],
  count: number,
): StateTensor {
  const info = dtypes[dtype];
  const start = bytes.byteOffset + offset;
  const data =
    start % info.bytes === 0
      ? info.view(bytes.buffer, start, count)
      : info.view(bytes.slice(offset, offset + count * info.bytes).buffer, 0, count);
  // dtype and data come from one row of the table, which the compiler cannot see.
  return { shape, dtype, data } as StateTensor;
}
