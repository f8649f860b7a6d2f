/**
 * NumPy's .npy files (numpy.lib.format): `\x93NUMPY`, a version, the length of a header, the header as a Python dict
 * of `descr`, `fortran_order` and `shape`, then the elements. Pickled objects are refused.
 */
import { asBytes, DatasetError } from './dataset_error';

/** One array, row-major. */
export interface NpyArray {
  shape: number[];
  /** Values as numbers; integers of 64 bits must be exact in a double. */
  data: Float64Array;
}

/** What a file holds: an array, or one for each field of a structured type, in the file's order. */
export interface NpyFile {
  array?: NpyArray;
  fields?: Record<string, NpyArray>;
}

interface Scalar {
  bytes: number;
  get(view: DataView, at: number): number;
}

const LONGEST_HEADER = 65_536;
/** Values of a file: 1 GiB as doubles. */
const MOST_VALUES = 2 ** 27;

/**
 * Reads a .npy file of numbers or of a structured type of numbers, in either byte order.
 *
 * ```ts
 * const { array, fields } = readNpy(bytes); // fields.t, fields.x, ... of an array of events
 * ```
 *
 * @throws DatasetError if it is no .npy, is cut, or holds something other than numbers
 */
export function readNpy(file: Uint8Array | ArrayBuffer): NpyFile {
  const bytes = asBytes(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  if (magic !== '\x93NUMPY' || bytes.length < 12) {
    throw new DatasetError("a .npy file must begin with \\x93NUMPY and a header, but doesn't");
  }
  const wide = bytes[6]! >= 2;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (wide ? 12 : 10) + length;
  if (length > LONGEST_HEADER || start > bytes.length) {
    throw new DatasetError(
      `a .npy header must have at most ${LONGEST_HEADER} bytes, all there, but has ${length}`,
    );
  }
  const header = new TextDecoder('latin1').decode(bytes.subarray(wide ? 12 : 10, start));
  const { fields, shape, isFortran } = parseHeader(header);
  const record = fields.reduce((sum, { scalar }) => sum + scalar.bytes, 0);
  const count = shape.reduce((a, b) => a * b, 1);
  if (count * record !== bytes.length - start) {
    throw new DatasetError(
      `a .npy file of shape [${shape}] with ${record} bytes per element must have ${count * record} ` +
        `bytes of data, but has ${bytes.length - start}`,
    );
  }
  if (count * fields.length > MOST_VALUES) {
    throw new DatasetError(`a .npy file must have at most ${MOST_VALUES} values, but has ${count}`);
  }
  const columns: Record<string, NpyArray> = {};
  let offset = start;
  for (const { name, scalar } of fields) {
    const data = new Float64Array(count);
    for (let i = 0; i < count; i++) data[i] = scalar.get(view, offset + i * record);
    offset += scalar.bytes;
    columns[name] = { shape, data: isFortran ? toRows(data, shape) : data };
  }
  return fields[0]!.name === '' ? { array: columns['']! } : { fields: columns };
}

interface Header {
  fields: { name: string; scalar: Scalar }[];
  shape: number[];
  isFortran: boolean;
}

function parseHeader(text: string): Header {
  const [, inner] = /'shape':\s*\(([\d,\sL]*)\)/.exec(text) ?? [];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const plain = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const list = /'descr':\s*\[(.*?)\]/s.exec(text)?.[1];
  if (inner === undefined || order === undefined || (plain ?? list) === undefined) {
    throw new DatasetError(`a .npy header must have descr, fortran_order and shape: ${text}`);
  }
  const shape = [...inner.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  const isFortran = order === 'True' && shape.length > 1;
  if (plain !== undefined)
    return { fields: [{ name: '', scalar: scalarOf(plain) }], shape, isFortran };
  const pairs = [...list!.matchAll(/\(\s*'([^']+)'\s*,\s*'([^']*)'\s*\)/g)];
  if (pairs.length === 0 || pairs.length !== list!.split('(').length - 1) {
    throw new DatasetError(`fields of a .npy file must be plain numbers, but are [${list}]`);
  }
  const fields = pairs.map(([, name, type]) => ({ name: name!, scalar: scalarOf(type!) }));
  return { fields, shape, isFortran };
}

/** Readers of NumPy's kinds and sizes, such as `<u2`. */
function scalarOf(type: string): Scalar {
  const [, order, kind, size] = /^([<>|=]?)([biuf])(\d)$/.exec(type) ?? [];
  const little = order !== '>';
  const exact = (big: bigint) => {
    const value = Number(big);
    if (Number.isSafeInteger(value)) return value;
    throw new DatasetError(`numbers of a .npy file must be below 2^53, but one is ${big}`);
  };
  const getters: Record<string, Scalar['get'] | undefined> = {
    b1: (view, at) => view.getUint8(at),
    u1: (view, at) => view.getUint8(at),
    i1: (view, at) => view.getInt8(at),
    u2: (view, at) => view.getUint16(at, little),
    i2: (view, at) => view.getInt16(at, little),
    u4: (view, at) => view.getUint32(at, little),
    i4: (view, at) => view.getInt32(at, little),
    u8: (view, at) => exact(view.getBigUint64(at, little)),
    i8: (view, at) => exact(view.getBigInt64(at, little)),
    f4: (view, at) => view.getFloat32(at, little),
    f8: (view, at) => view.getFloat64(at, little),
  };
  const get = getters[`${kind}${size}`];
  if (get) return { bytes: Number(size), get };
  throw new DatasetError(`a .npy file must hold numbers of 1 to 8 bytes, but holds '${type}'`);
}

/** Column-major values in row-major order. */
function toRows(data: Float64Array, shape: readonly number[]): Float64Array {
  const out = new Float64Array(data.length);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  const at = shape.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = data[at.reduce((sum, n, axis) => sum + n * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis]! === shape[axis]; axis--)
      at[axis] = 0;
  }
  return out;
}
