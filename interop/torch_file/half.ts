/** Half floats and other number types as float32. */
import type { StateTensorLike } from '../state_dict';

/** IEEE 754 binary16 bits as a number. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = Uint32Array.from(bits, (b) => b << 16);
  return new Float32Array(words.buffer);
}

/** A tensor's numbers as float32; a copy unless they are that already. */
export function toFloat32(tensor: StateTensorLike): Float32Array {
  switch (tensor.dtype) {
    case undefined:
    case 'F32':
      return tensor.data;
    case 'F16':
      return Float32Array.from(tensor.data, halfToNumber);
    case 'BF16':
      return bfloat16ToFloat32(tensor.data);
    default:
      return Float32Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  }
}
