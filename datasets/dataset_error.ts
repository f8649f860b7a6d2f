/** What every reader of data files throws, and the one check that they share. */

/** Bytes that are not what a reader expects. */
export class DatasetError extends Error {
  override name = 'DatasetError';
}

/** The bytes of a view or a buffer, without a copy; a DatasetError on anything else. */
export function asBytes(bytes: Uint8Array | ArrayBuffer): Uint8Array {
  if (ArrayBuffer.isView(bytes)) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  // By its tag, not instanceof: the buffer may come from another realm.
  if (/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(bytes))) {
    return new Uint8Array(bytes);
  }
  const received = bytes === null ? 'null' : typeof bytes;
  throw new DatasetError(`bytes must be a Uint8Array or an ArrayBuffer, but got ${received}`);
}
