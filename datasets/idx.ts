/**
 * IDX, the format of MNIST and its relatives (yann.lecun.com/exdb/mnist): two zero bytes, an element
 * type, the number of axes, the axes' sizes as big-endian uint32, then the elements, big-endian.
 */
import { asBytes, DatasetError } from './dataset_error';

/** Typed array of each element type. */
export interface IdxArrays {
  uint8: Uint8Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  float32: Float32Array;
  float64: Float64Array;
}

export type IdxDtype = keyof IdxArrays;

/** An array as the file describes it, row-major; `dtype === 'uint8'` narrows the type of its data. */
export type IdxArray = {
  [D in IdxDtype]: { shape: number[]; dtype: D; data: IdxArrays[D] };
}[IdxDtype];

interface Element {
  readonly dtype: IdxDtype;
  readonly bytes: number;
  make(length: number): IdxArrays[IdxDtype];
  get(view: DataView, offset: number): number;
}

/** Element types by the magic number's third byte. */
const elements: Readonly<Record<number, Element>> = {
  8: { dtype: 'uint8', bytes: 1, make: (n) => new Uint8Array(n), get: (v, o) => v.getUint8(o) },
  9: { dtype: 'int8', bytes: 1, make: (n) => new Int8Array(n), get: (v, o) => v.getInt8(o) },
  11: { dtype: 'int16', bytes: 2, make: (n) => new Int16Array(n), get: (v, o) => v.getInt16(o) },
  12: { dtype: 'int32', bytes: 4, make: (n) => new Int32Array(n), get: (v, o) => v.getInt32(o) },
  13: {
    dtype: 'float32',
    bytes: 4,
    make: (n) => new Float32Array(n),
    get: (v, o) => v.getFloat32(o),
  },
  14: {
    dtype: 'float64',
    bytes: 8,
    make: (n) => new Float64Array(n),
    get: (v, o) => v.getFloat64(o),
  },
};

/**
 * Reads an IDX file, uncompressed. The data is a copy in this machine's byte order. Throws a
 * DatasetError on a wrong magic number and where the file's length is not what its header says.
 *
 * ```ts
 * const {shape, data} = readIdx(bytes);     // MNIST's images: shape [60000, 28, 28], a Uint8Array
 * ```
 */
export function readIdx(bytes: Uint8Array | ArrayBuffer): IdxArray {
  const file = asBytes(bytes);
  if (file.length < 4) {
    throw new DatasetError(`an IDX file must have at least 4 bytes, but has ${file.length}`);
  }
  const [zero1, zero2, type, rank] = file;
  const element = elements[type];
  if (zero1 !== 0 || zero2 !== 0 || element === undefined || rank === 0) {
    const magic = [...file.subarray(0, 4)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
    throw new DatasetError(
      'an IDX file must begin with 00 00, an element type (08, 09, 0b, 0c, 0d or 0e) and a ' +
        `number of axes, but begins with ${magic}${magic.startsWith('1f 8b') ? ' (gzip: unpack it first)' : ''}`,
    );
  }
  const dataStart = 4 + 4 * rank;
  if (file.length < dataStart) {
    throw new DatasetError(
      `an IDX file of ${rank} axes must have a header of ${dataStart} bytes, but has ${file.length} bytes`,
    );
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = elementCount(shape);
  const available = file.length - dataStart;
  if (count * element.bytes !== available) {
    throw new DatasetError(
      `an IDX file of ${element.dtype} and shape [${shape}] must have ` +
        `${count * element.bytes} bytes of data, but has ${available}`,
    );
  }

  const data = element.make(count);
  if (data instanceof Uint8Array) data.set(file.subarray(dataStart));
  else for (let i = 0; i < count; i++) data[i] = element.get(view, dataStart + i * element.bytes);
  // dtype and data come from one row of the table, which the compiler cannot see.
  return { shape, dtype: element.dtype, data } as IdxArray;
}

/** The product of the sizes; it may round, or be Infinity, where it is far beyond any file. */
function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1);
}
