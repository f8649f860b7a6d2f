/** NumPy's scalars and dtypes, which training scripts leave in `metric`, `best_acc`, `classes`. */
import { type Args, refuse, type Spend, shown } from './_arguments';
import { halfToNumber } from './half';
import { NumpyDtype, PickleGlobal, type PickleValue, typeName } from './values';

const safe = (value: bigint) => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};
type Reader = readonly [bytes: number, read: (view: DataView, little: boolean) => PickleValue];
const readers: Record<string, Reader> = Object.assign(Object.create(null), {
  f2: [2, (v, l) => halfToNumber(v.getUint16(0, l))],
  f4: [4, (v, l) => v.getFloat32(0, l)],
  f8: [8, (v, l) => v.getFloat64(0, l)],
  i1: [1, (v) => v.getInt8(0)],
  i2: [2, (v, l) => v.getInt16(0, l)],
  i4: [4, (v, l) => v.getInt32(0, l)],
  i8: [8, (v, l) => safe(v.getBigInt64(0, l))],
  u1: [1, (v) => v.getUint8(0)],
  u2: [2, (v, l) => v.getUint16(0, l)],
  u4: [4, (v, l) => v.getUint32(0, l)],
  u8: [8, (v, l) => safe(v.getBigUint64(0, l))],
  b1: [1, (v) => v.getUint8(0) !== 0],
} satisfies Record<string, Reader>);

function numpyDtype([code]: Args): NumpyDtype {
  if (typeof code === 'string' && code.length < 40) return new NumpyDtype(code);
  return refuse(`a NumPy dtype must be named by a text, but is ${typeName(code)}`);
}

/** numpy.float64(71.25) and its like; numpy.str_('cat'). */
function numpyScalar([dtype, data]: Args, spend: Spend): PickleValue {
  if (!(dtype instanceof NumpyDtype) || !(data instanceof Uint8Array)) {
    return refuse('a NumPy scalar must have a dtype and bytes');
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (/^U\d+$/.test(dtype.code)) return text(view, dtype, spend);
  const reader = readers[dtype.code];
  if (!reader) return refuse(`a NumPy scalar of type ${shown(dtype.code)} cannot be held here`);
  const [size, read] = reader;
  if (data.length !== size) return refuse(`a NumPy ${dtype.code} must have ${size} bytes`);
  return read(view, dtype.littleEndian);
}

/** Four bytes a character, zeros behind. */
function text(view: DataView, { code, littleEndian }: NumpyDtype, spend: Spend): string {
  if (view.byteLength !== 4 * Number(code.slice(1))) {
    refuse(`a NumPy ${code} must have ${4 * Number(code.slice(1))} bytes`);
  }
  spend(view.byteLength);
  let result = '';
  for (let at = 0; at < view.byteLength; at += 4) {
    const point = view.getUint32(at, littleEndian);
    if (point > 0x10ffff) refuse('a NumPy text must be Unicode');
    result += String.fromCodePoint(point);
  }
  return result.replace(/\0+$/, '');
}

export const numpyGlobals: readonly (readonly [name: string, value: PickleValue])[] = (
  [
    ['numpy.dtype', numpyDtype],
    ['numpy.core.multiarray.scalar', numpyScalar],
    ['numpy._core.multiarray.scalar', numpyScalar],
  ] as const
).map(([name, call]) => [name, new PickleGlobal(name, call)]);

const names: Record<string, string> = { b: 'bool', f: 'float', i: 'int', u: 'uint' };

/** numpy.float32 for f4; the code itself where it is of no number. */
export function dtypeName({ code }: NumpyDtype): string {
  if (!(code in readers)) return `numpy.dtype(${code})`;
  const kind = names[code[0]!]!;
  return `numpy.${kind}${kind === 'bool' ? '' : 8 * Number(code.slice(1))}`;
}
