/** HDF5 keeps texts of any length in global heaps, and its library goes round forever in one that is damaged. */
import { NirError } from './nir_error';

/** 'GCOL', version 1, three zeros, the size of all of it; then objects, each of a header and its bytes. */
const SIGNATURE = [0x47, 0x43, 0x4f, 0x4c, 1, 0, 0, 0];
const HEADER = 16;

/** Throws where a heap or an object in it is larger than what it is in. */
export function checkHeaps(bytes: Uint8Array): void {
  for (let at = bytes.indexOf(SIGNATURE[0]!); at >= 0; at = bytes.indexOf(SIGNATURE[0]!, at + 1)) {
    if (SIGNATURE.every((byte, i) => bytes[at + i] === byte)) checkHeap(bytes, at);
  }
}

function checkHeap(bytes: Uint8Array, begin: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (at: number) =>
    new NirError(
      `A NIR file must be a whole HDF5 file, but its heap of texts is damaged at byte ${at}`,
    );
  if (begin + HEADER > bytes.length) throw refuse(begin);
  const end = begin + Number(view.getBigUint64(begin + 8, true));
  if (end > bytes.length) throw refuse(begin);
  for (let at = begin + HEADER; at + HEADER <= end; ) {
    const size = Number(view.getBigUint64(at + 8, true));
    // The last object is the room that is left, number 0, and its size is with its header.
    if (view.getUint16(at, true) === 0) {
      if (at + size !== end) throw refuse(at);
      return;
    }
    if (size > end - at - HEADER) throw refuse(at);
    at += HEADER + Math.ceil(size / 8) * 8;
  }
}
