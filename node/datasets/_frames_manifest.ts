/** The manifest of kept frames: what they were made from, and which shards they are in. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { isNatural, isRecord } from '../files/json';

/** Goes up whenever the frames of a recording, or how they are stored, change. */
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

/** Null where there is none, or one that was not written by us. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    const manifest: unknown = JSON.parse(await fs.readFile(join(folder, MANIFEST), 'utf8'));
    return isManifest(manifest) ? manifest : null;
  } catch {
    return null;
  }
}

/** Whether it has the fields that are read of it; a shard has the name of one, and lies here. */
function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value) || value.format !== FORMAT || typeof value.key !== 'string') return false;
  return Array.isArray(value.shards) && value.shards.every(isManifestShard);
}

const isManifestShard = (shard: unknown) =>
  isRecord(shard) &&
  SHARD_NAME.test(String(shard.file)) &&
  isNatural(shard.bytes) &&
  typeof shard.sha256 === 'string';
