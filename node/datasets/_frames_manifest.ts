/** The manifest of cached frames: what they were made from, and their shards. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { isNatural, isRecord } from '../files/json';

/** Increased whenever the frames of a recording, or their storage, change. */
export const FORMAT = 2;
export const MANIFEST = 'manifest.json';
export const SHARD_NAME = /^shard-\d+\.bin$/;

/** A recording that was left out, and why. */
export interface SkippedSample {
  name: string;
  reason: string;
}

export interface Manifest {
  format: number;
  source: Readonly<Record<string, unknown>>;
  settings: object;
  /** How many files of how many bytes the frames were made from. */
  files: number;
  bytes: number;
  /** Hash of all of the above, and of the files' names and sizes. */
  key: string;
  samples: number;
  skipped: readonly SkippedSample[];
  shards: { file: string; bytes: number; sha256: string }[];
}

/** Null if there is none, or if something else wrote it. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    const manifest: unknown = JSON.parse(await fs.readFile(join(folder, MANIFEST), 'utf8'));
    return isManifest(manifest) ? manifest : null;
  } catch {
    return null;
  }
}

/** Whether it has the fields that are read from it. A shard's name must be a plain file name. */
function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value) || value.format !== FORMAT || typeof value.key !== 'string') return false;
  return Array.isArray(value.shards) && value.shards.every(isManifestShard);
}

const isManifestShard = (shard: unknown) =>
  isRecord(shard) &&
  SHARD_NAME.test(String(shard.file)) &&
  isNatural(shard.bytes) &&
  typeof shard.sha256 === 'string';
