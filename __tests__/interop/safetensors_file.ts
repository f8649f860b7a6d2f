/** Files of safetensors byte by byte, and what they hold to the bit. */
import type { StateDict } from '../../interop/state_dict';

/** A file of that header text and that many bytes of data, every length right unless given. */
export function file(
  header: string | Uint8Array,
  dataBytes = 0,
  headerLength?: bigint,
): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** An entry of a header. */
export const entry = (shape: string, begin: number | string, end: number | string, dtype = 'U8') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

function bytesOf(data: ArrayBufferView): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Expects the same names, shapes, dtypes and bits. */
export function expectSameBits(actual: StateDict, expected: StateDict): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, tensor] of Object.entries(expected)) {
    expect(actual[name].shape).toEqual(tensor.shape);
    expect(actual[name].dtype).toBe(tensor.dtype);
    expect(actual[name].data.constructor).toBe(tensor.data.constructor);
    expect(bytesOf(actual[name].data).equals(bytesOf(tensor.data))).toBe(true);
  }
}
