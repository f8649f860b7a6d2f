/**
 * Reads the zip archives that PyTorch writes: the directory (zip64 too) and its members. Members to be read must be
 * stored; others may be compressed. Everything in the directory is checked before use: members lie within the file, do
 * not overlap, and match their CRC-32.
 */

import { crc32 } from '../../lib/crc32';
import type { Reading } from '../byte_source';
import { CheckpointError } from '../checkpoint_error';

/** One member. */
export interface ZipMember {
  name: string;
  /** How it is compressed; 0: stored, as are those that can be read. */
  method: number;
  encrypted: boolean;
  /** Null if the whole archive was written without: torch.serialization.set_crc32_options(False). */
  crc: number | null;
  /** Length of the data in bytes. */
  size: number;
  /** Length of what is in the archive. */
  stored: number;
  /** Where its local header begins. */
  header: number;
  /** Where the next member, or the directory, begins: its data ends before. */
  limit: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const END_BYTES = 22;
const LOCATOR64_BYTES = 20;
const END64_BYTES = 56;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const MAX_COMMENT = 0xffff;
/** Far more than any checkpoint's: a million members. */
const MAX_DIRECTORY = 2 ** 26;
/** A member is checked in pieces of this size. */
const PIECE = 2 ** 24;

/** How a zip archive begins. */
export function beginsAsZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && view(bytes).getUint32(0, true) === LOCAL;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A 64-bit size or offset; one past 2^53 fits no file. */
function uint64(bytes: DataView, at: number, what: string, offset: number): number {
  const value = bytes.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new CheckpointError(`zip: ${what} must be less than 2^53, but is ${value}`, offset);
  }
  return Number(value);
}

interface Directory {
  entries: number;
  bytes: number;
  begin: number;
  /** Where the directory must have ended. */
  end: number;
}

/** The archive's members by name. */
export function* readZipDirectory(size: number): Reading<Map<string, ZipMember>> {
  const directory = yield* findDirectory(size);
  const { entries, bytes, begin, end } = directory;
  if (begin + bytes > end) {
    throw new CheckpointError(
      `zip: the directory must end by ${end}, but begins at ${begin} and has ${bytes} bytes`,
      end,
    );
  }
  if (bytes > MAX_DIRECTORY || entries * CENTRAL_BYTES > bytes) {
    throw new CheckpointError(`zip: a directory of ${bytes} bytes cannot hold ${entries}`, begin);
  }
  const data = yield { begin, end: begin + bytes };
  return parseDirectory(data, directory);
}

/** The end record, with its zip64 twin, says where the directory lies. */
function* findDirectory(size: number): Reading<Directory> {
  const tailBegin = Math.max(0, size - END_BYTES - MAX_COMMENT);
  const tail = yield { begin: tailBegin, end: size };
  const bytes = view(tail);
  let at = tail.length - END_BYTES;
  while (at >= 0) {
    // The comment must reach to the very end of the file.
    const found = bytes.getUint32(at, true) === END;
    if (found && at + END_BYTES + bytes.getUint16(at + 20, true) === tail.length) break;
    at--;
  }
  if (at < 0) throw new CheckpointError('zip: it has no end record: the file is cut short', size);
  const end = tailBegin + at;
  const here: Directory = {
    entries: bytes.getUint16(at + 10, true),
    bytes: bytes.getUint32(at + 12, true),
    begin: bytes.getUint32(at + 16, true),
    end,
  };
  if (end < LOCATOR64_BYTES) return here;
  const locator = view(yield { begin: end - LOCATOR64_BYTES, end });
  if (locator.getUint32(0, true) !== LOCATOR64) return here;
  const record = uint64(locator, 8, 'the zip64 end record', end - LOCATOR64_BYTES + 8);
  if (record + END64_BYTES > end - LOCATOR64_BYTES) {
    throw new CheckpointError(`zip: no zip64 end record fits at ${record}`, end - LOCATOR64_BYTES);
  }
  const end64 = view(yield { begin: record, end: record + END64_BYTES });
  if (end64.getUint32(0, true) !== END64) {
    throw new CheckpointError('zip: the zip64 end record is missing', record);
  }
  const there: Directory = {
    entries: uint64(end64, 32, 'the number of entries', record + 32),
    bytes: uint64(end64, 40, 'the length of the directory', record + 40),
    begin: uint64(end64, 48, 'the offset of the directory', record + 48),
    end: record,
  };
  for (const [field, full] of [
    ['entries', 0xffff],
    ['bytes', 0xffffffff],
    ['begin', 0xffffffff],
  ] as const) {
    if (here[field] !== full && here[field] !== there[field]) {
      throw new CheckpointError(
        `zip: the two end records disagree: ${field} ${here[field]} and ${there[field]}`,
        record,
      );
    }
  }
  return there;
}

function parseDirectory(data: Uint8Array, directory: Directory): Map<string, ZipMember> {
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let i = 0; i < directory.entries; i++) {
    const { member, next } = parseEntry(data, at, directory.begin);
    if (members.has(member.name)) {
      throw new CheckpointError(`zip: ${show(member.name)} comes twice`, directory.begin + at);
    }
    members.set(member.name, member);
    at = next;
  }
  if (at !== data.length) {
    throw new CheckpointError(`zip: ${data.length - at} bytes too many`, directory.begin + at);
  }
  const ordered = [...members.values()].sort((a, b) => b.header - a.header);
  let limit = directory.begin;
  for (const member of ordered) {
    member.limit = limit;
    if (member.header + LOCAL_BYTES + member.stored > limit) {
      throw new CheckpointError(
        `zip: ${show(member.name)}, ${member.stored} bytes, must end by ${limit}`,
        member.header,
      );
    }
    limit = member.header;
  }
  if (ordered.every(({ crc }) => crc === 0)) for (const member of ordered) member.crc = null;
  return members;
}

function parseEntry(
  data: Uint8Array,
  at: number,
  base: number,
): { member: ZipMember; next: number } {
  const bytes = view(data);
  const fail = (problem: string): never => {
    throw new CheckpointError(`zip: ${problem}`, base + at);
  };
  if (at + CENTRAL_BYTES > data.length || bytes.getUint32(at, true) !== CENTRAL) {
    return fail('the directory has no entry here');
  }
  const nameEnd = at + CENTRAL_BYTES + bytes.getUint16(at + 28, true);
  const extraEnd = nameEnd + bytes.getUint16(at + 30, true);
  const next = extraEnd + bytes.getUint16(at + 32, true);
  if (next > data.length) return fail('an entry of the directory is cut short');
  const name = decodeName(data.subarray(at + CENTRAL_BYTES, nameEnd), base + at);
  const encrypted = (bytes.getUint16(at + 8, true) & 1) === 1;
  const method = bytes.getUint16(at + 10, true);
  // What does not fit 32 bits is in the zip64 field, in this order.
  const wide = zip64Field(bytes, nameEnd, extraEnd, base);
  const number = (offset: number, what: string) => {
    const value = bytes.getUint32(at + offset, true);
    return value === 0xffffffff ? wide(what) : value;
  };
  const size = number(24, `the size of ${show(name)}`);
  const stored = number(20, `the stored size of ${show(name)}`);
  const header = number(42, `the offset of ${show(name)}`);
  if (method === 0 && stored !== size) {
    return fail(`${show(name)} is stored, yet has sizes ${stored} and ${size}`);
  }
  const crc = bytes.getUint32(at + 16, true);
  return { member: { name, method, encrypted, crc, size, stored, header, limit: 0 }, next };
}

/** Reads the numbers of an entry's zip64 field one after the other. */
function zip64Field(bytes: DataView, begin: number, end: number, base: number) {
  let at = begin;
  let fieldEnd = begin;
  while (at + 4 <= end) {
    const [id, length] = [bytes.getUint16(at, true), bytes.getUint16(at + 2, true)];
    at += 4;
    fieldEnd = Math.min(at + length, end);
    if (id === 1) break;
    at = fieldEnd;
  }
  return (what: string): number => {
    if (at + 8 > fieldEnd) throw new CheckpointError(`zip: ${what} is missing`, base + begin);
    at += 8;
    return uint64(bytes, at - 8, what, base + at - 8);
  };
}

function decodeName(bytes: Uint8Array, offset: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CheckpointError('zip: a name must be valid UTF-8', offset);
  }
}

function show(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}...` : name);
}

/** Where a member's data begins. The local header's own lengths count: PyTorch pads there. */
function* memberBegin(member: ZipMember): Reading<number> {
  const { name, method, encrypted, header, size, limit } = member;
  if (encrypted) throw new CheckpointError(`zip: ${show(name)} is encrypted`, header);
  if (method !== 0) {
    throw new CheckpointError(
      `zip: ${show(name)} is compressed (method ${method}); PyTorch stores, as zip -0 does`,
      header,
    );
  }
  const local = view(yield { begin: header, end: header + LOCAL_BYTES });
  if (local.getUint32(0, true) !== LOCAL) {
    throw new CheckpointError(`zip: ${show(name)} has no local header`, header);
  }
  if (local.getUint16(8, true) !== 0) {
    throw new CheckpointError(`zip: ${show(name)} is compressed by its local header`, header);
  }
  const nameEnd = header + LOCAL_BYTES + local.getUint16(26, true);
  const begin = nameEnd + local.getUint16(28, true);
  if (begin + size > limit) {
    throw new CheckpointError(`zip: ${show(name)}, ${size} bytes, must end by ${limit}`, begin);
  }
  const ownName = decodeName(yield { begin: header + LOCAL_BYTES, end: nameEnd }, header);
  if (ownName !== name) {
    throw new CheckpointError(`zip: ${show(name)} is ${show(ownName)} by its header`, header);
  }
  return begin;
}

function checkCrc(member: ZipMember, crc: number, begin: number): void {
  if (member.crc !== null && crc !== member.crc) {
    throw new CheckpointError(`zip: ${show(member.name)} is damaged: its CRC-32 differs`, begin);
  }
}

/** A whole member, checked, and where its data begins. */
export function* readMember(member: ZipMember): Reading<{ data: Uint8Array; begin: number }> {
  const begin = yield* memberBegin(member);
  const data = yield { begin, end: begin + member.size };
  checkCrc(member, crc32(data), begin);
  return { data, begin };
}

/** Checks a member piece by piece, and says where its data begins. */
export function* verifyMember(member: ZipMember): Reading<number> {
  const begin = yield* memberBegin(member);
  let crc = 0;
  for (let at = 0; at < member.size; at += PIECE) {
    const piece = Math.min(PIECE, member.size - at);
    crc = crc32(yield { begin: begin + at, end: begin + at + piece }, crc);
  }
  checkCrc(member, crc, begin);
  return begin;
}
