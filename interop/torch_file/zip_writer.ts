/** Zip archives as PyTorch wants them: members stored, their data at multiples of 64 bytes. */

import { crc32 } from '../../lib/crc32';
import { CheckpointError } from '../checkpoint_error';

const ALIGNMENT = 64;
/** What PyTorch calls the extra field that pads a local header: 'FB'. */
const PADDING_ID = 0x4246;
/** What fits an archive without zip64. */
const MAX_BYTES = 2 ** 32 - 2;
const MAX_MEMBERS = 2 ** 16 - 2;

export interface ZipEntry {
  name: string;
  data: Uint8Array;
}

/** One archive of the entries, in their order. Throws a CheckpointError past 4 GiB or 65534 members. */
export function writeZip(entries: readonly ZipEntry[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  let at = 0;
  const members = entries.map(({ name, data }) => {
    const nameBytes = encoder.encode(name);
    const header = at;
    const unpadded = header + 30 + nameBytes.length + 4;
    const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT;
    at = unpadded + padding + data.length;
    return { nameBytes, data, header, padding, crc: crc32(data) };
  });
  const directory = at;
  const size = members.reduce((sum, { nameBytes }) => sum + 46 + nameBytes.length, directory) + 22;
  if (size > MAX_BYTES || members.length > MAX_MEMBERS) {
    throw new CheckpointError(
      `a checkpoint must have less than 4 GiB and ${MAX_MEMBERS} tensors, but has ${size} bytes and ${members.length}`,
    );
  }
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  for (const { nameBytes, data, header, padding, crc } of members) {
    view.setUint32(header, 0x04034b50, true);
    common(view, header + 4, crc, data.length, nameBytes.length);
    view.setUint16(header + 28, 4 + padding, true);
    file.set(nameBytes, header + 30);
    const extra = header + 30 + nameBytes.length;
    view.setUint16(extra, PADDING_ID, true);
    view.setUint16(extra + 2, padding, true);
    file.set(data, extra + 4 + padding);
  }
  at = directory;
  for (const { nameBytes, data, header, crc } of members) {
    view.setUint32(at, 0x02014b50, true);
    common(view, at + 6, crc, data.length, nameBytes.length);
    view.setUint32(at + 42, header, true);
    file.set(nameBytes, at + 46);
    at += 46 + nameBytes.length;
  }
  view.setUint32(at, 0x06054b50, true);
  view.setUint16(at + 8, members.length, true);
  view.setUint16(at + 10, members.length, true);
  view.setUint32(at + 12, at - directory, true);
  view.setUint32(at + 16, directory, true);
  return file;
}

/** What local header and directory say alike, from "version needed" on; names are UTF-8, times 1980. */
function common(view: DataView, at: number, crc: number, size: number, nameLength: number): void {
  view.setUint16(at + 2, 0x0800, true);
  view.setUint16(at + 8, 0x0021, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, size, true);
  view.setUint32(at + 18, size, true);
  view.setUint16(at + 22, nameLength, true);
}
