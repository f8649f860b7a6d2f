/**
 * A file of the frames cache: a run of samples, each deflated separately, after a header that describes them.
 * `SPKFRM1\n`, uint32 length of the header (little-endian), the header as JSON, data.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { DatasetError } from '../../datasets/dataset_error';
import type { Sample } from '../../datasets/sample';
import { hashOf } from '../files/hash';
import { isNatural, isRecord } from '../files/json';

const MAGIC = 'SPKFRM1\n';
export const SHARD_START = MAGIC.length + 4;

/** Counts are stored in the narrowest type that holds them. */
const COUNTS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array } as const;
type CountType = keyof typeof COUNTS;

/** A finished sample, or the reason why it was left out. */
export type ShardEntry =
  | { label: number; shape: number[]; dtype: CountType; bytes: number; sha256: string }
  | { skipped: string };

export interface ShardHeader {
  /** Hash of everything that the frames depend on. */
  key: string;
  /** Index of the first sample. */
  first: number;
  entries: ShardEntry[];
}

/** The frames as they are stored, and what the header says of them. */
export function packFrames({ shape, data }: Pick<Sample, 'data' | 'shape'>, label: number) {
  let largest = 0;
  for (const count of data) if (count > largest) largest = count;
  const dtype: CountType = largest < 2 ** 8 ? 'uint8' : largest < 2 ** 16 ? 'uint16' : 'float32';
  const counts = COUNTS[dtype].from(data);
  const packed = deflateRawSync(new Uint8Array(counts.buffer), { level: 1 });
  const entry: ShardEntry = {
    label,
    shape,
    dtype,
    bytes: packed.length,
    sha256: hashOf([packed]),
  };
  return { entry, packed };
}

/** @throws DatasetError if the bytes are not those that were written */
export function unpackFrames(entry: ShardEntry, packed: Uint8Array, what: string): Sample {
  if ('skipped' in entry) throw new DatasetError(`${what} was left out: ${entry.skipped}`);
  if (hashOf([packed]) !== entry.sha256) {
    throw new DatasetError(
      `${what} must have SHA-256 ${entry.sha256}, but the file has changed since it was written: ` +
        'delete it to have its frames made again',
    );
  }
  const size = entry.shape.reduce((a, b) => a * b, 1);
  const Counts = COUNTS[entry.dtype];
  const bytes = inflateRawSync(packed, { maxOutputLength: size * Counts.BYTES_PER_ELEMENT });
  const counts = new Counts(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return { data: Float32Array.from(counts), shape: [...entry.shape], label: entry.label };
}

/** The parts of a shard's file, in order. */
export function shardParts(header: ShardHeader, packed: readonly Uint8Array[]): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(SHARD_START);
  start.write(MAGIC, 'latin1');
  start.writeUInt32LE(json.length, MAGIC.length);
  return [start, json, ...packed];
}

/** Length of the header in bytes, from the file's first SHARD_START bytes; null if it is not a shard. */
export function headerLength(start: Uint8Array): number | null {
  const bytes = Buffer.from(start);
  if (bytes.length < SHARD_START || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC)
    return null;
  return bytes.readUInt32LE(MAGIC.length);
}

/** The header, and where each sample begins; null if it is invalid, or does not belong to a file of that size. */
export function parseHeader(
  json: Uint8Array,
  fileBytes: number,
): { header: ShardHeader; offsets: number[] } | null {
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(json).toString());
  } catch {
    return null;
  }
  if (!isHeader(header)) return null;
  let at = SHARD_START + json.length;
  const offsets = header.entries.map((entry) => {
    const begin = at;
    at += 'skipped' in entry ? 0 : entry.bytes;
    return begin;
  });
  return at === fileBytes ? { header, offsets } : null;
}

function isHeader(value: unknown): value is ShardHeader {
  if (!isRecord(value) || typeof value.key !== 'string' || !isNatural(value.first)) return false;
  return Array.isArray(value.entries) && value.entries.every(isEntry);
}

function isEntry(value: unknown): value is ShardEntry {
  if (!isRecord(value)) return false;
  if ('skipped' in value) return typeof value.skipped === 'string';
  const { label, shape, dtype, bytes, sha256: hash } = value;
  const shaped = Array.isArray(shape) && shape.every(isNatural);
  const numbers = isNatural(label) && isNatural(bytes) && shaped;
  return numbers && typeof hash === 'string' && Object.hasOwn(COUNTS, String(dtype));
}
