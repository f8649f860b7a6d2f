/**
 * Frames of events, made once per setting and cached on disk: shards of samples, each written completely or not at all,
 * and a manifest that is written last. An interrupted preparation continues after the last shard. Truncated shards, and
 * those of another version or setting, are made again; a sample with a wrong checksum is refused when it is read.
 */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../../datasets/dataset_error';
import type { Events } from '../../datasets/events';
import { eventsToFrames, type FramesOptions } from '../../datasets/frames';
import type { Sample } from '../../datasets/sample';
import { fileError, writeAtomically } from '../files/files';
import { hashFile, hashOf } from '../files/hash';
import {
  FORMAT,
  MANIFEST,
  type Manifest,
  readManifest,
  SHARD_NAME,
  type SkippedSample,
} from './_frames_manifest';
import {
  headerLength,
  packFrames,
  parseHeader,
  SHARD_START,
  type ShardEntry,
  type ShardHeader,
  shardParts,
  unpackFrames,
} from './frames_shard';

const SHARD_SAMPLES = 256;

/** A split of which samples are made from files. */
export interface SampleFiles {
  /** Names the data set, its split and how its files are read: all but the files themselves. */
  source: Readonly<Record<string, unknown>>;
  /** All files to read, by path below the root, with their sizes. */
  files: readonly { path: string; bytes: number }[];
  samples: readonly { name: string; label: number }[];
}

/** A split of recordings, from which frames are made. */
export interface Recordings extends SampleFiles {
  readEvents(index: number): Promise<Events>;
}

/** Frames of events, or the bytes of an image. */
export type MadeSample = Pick<Sample, 'data' | 'shape'>;

/** Makes the sample of that index. */
export type MakeSample = (index: number) => Promise<MadeSample>;

export interface FramesCacheOptions {
  /** Where to cache the frames of this setting. */
  folder: string;
  /** 'error' (default), or 'skip': leave out and list a recording that cannot be read. */
  damaged?: 'error' | 'skip';
  /** Called with the numbers of finished and of all samples while frames are made. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export interface FramesCache {
  /** For each available sample, the index of its recording. */
  indices: readonly number[];
  skipped: readonly SkippedSample[];
  read(sample: number): Promise<Sample>;
}

/** A shard that exists and is complete, as far as its header and size show. */
interface Shard {
  path: string;
  header: ShardHeader;
  offsets: number[];
}

/** Opens the frames of these recordings; makes those that are not there. */
export function openFramesCache(
  recordings: Recordings,
  settings: FramesOptions,
  options: FramesCacheOptions,
): Promise<FramesCache> {
  const make: MakeSample = async (i) => eventsToFrames(await recordings.readEvents(i), settings);
  return openSamplesCache(recordings, settings, make, options);
}

/** The same of samples of any kind, made by these settings. */
export async function openSamplesCache(
  recordings: SampleFiles,
  settings: object,
  make: MakeSample,
  { folder, damaged = 'error', onProgress, signal }: FramesCacheOptions,
): Promise<FramesCache> {
  await fs.mkdir(folder, { recursive: true }).catch((error) => {
    throw fileError(
      `cannot cache frames in ${folder} (set cache to another folder or false)`,
      error,
    );
  });
  const key = keyOf(recordings, settings);
  const total = recordings.samples.length;
  const complete = (await readManifest(folder))?.key === key;
  const shards: Shard[] = [];
  let made = 0;
  for (let first = 0; first < total; first += SHARD_SAMPLES) {
    const path = join(folder, shardName(first));
    const count = Math.min(SHARD_SAMPLES, total - first);
    const usable = ({ header }: Shard) =>
      header.key === key &&
      header.first === first &&
      header.entries.length === count &&
      (damaged === 'skip' || !header.entries.some((entry) => 'skipped' in entry));
    let shard = await readShard(path);
    if (shard === null || !usable(shard) || !(complete || (await isSound(shard)))) {
      const place = { path, key, first, count };
      shard = await makeShard(recordings, make, place, damaged, (done) => {
        signal?.throwIfAborted();
        onProgress?.(first + done, total);
      });
      made++;
    }
    shards.push(shard);
  }
  const where = shards.flatMap(({ header }, shard) =>
    header.entries.map((entry, i) => ({ shard, i, entry, index: header.first + i })),
  );
  const skipped = where.flatMap(({ entry, index }) =>
    'skipped' in entry ? [{ name: recordings.samples[index].name, reason: entry.skipped }] : [],
  );
  if (!complete || made > 0) {
    await writeManifest(folder, { recordings, settings, key, skipped, shards });
  }
  const present = where.filter(({ entry }) => !('skipped' in entry));
  return {
    indices: present.map(({ index }) => index),
    skipped,
    async read(sample) {
      const { shard, i, entry, index } = present[sample];
      const { path, offsets } = shards[shard];
      const what = `${recordings.samples[index].name} in ${path}`;
      return unpackFrames(entry, await readAt(path, offsets[i], (entry as Packed).bytes), what);
    },
  };
}

type Packed = Exclude<ShardEntry, { skipped: string }>;

/** The problems of each cache below a folder, by path. */
export async function checkFramesCaches(
  folder: string,
): Promise<{ path: string; problems: string[] }[]> {
  const names = await fs.readdir(folder).catch(() => []);
  names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })); // 4 frames before 16
  const results: { path: string; problems: string[] }[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const manifest = await readManifest(path);
    const problems: string[] = [];
    if (manifest === null) problems.push('is incomplete or of another version');
    for (const { file, bytes, sha256 } of manifest?.shards ?? []) {
      const found = await hashFile(join(path, file), 'sha256').catch(() => null);
      if (found === null) problems.push(`${file} is missing`);
      else if (found.digest !== sha256) {
        problems.push(
          `${file} is damaged: it has ${found.bytes} bytes of ${bytes}, or different content`,
        );
      }
    }
    results.push({ path, problems });
  }
  return results;
}

/** `train-16-number`, `test-50000us`: the folder of a setting. */
export function settingName(split: string, settings: FramesOptions): string {
  return 'duration' in settings
    ? `${split}-${settings.duration}us`
    : `${split}-${settings.frames}-${settings.splitBy}`;
}

const shardName = (first: number) => `shard-${String(first / SHARD_SAMPLES).padStart(5, '0')}.bin`;

/** Of settings, and of the names and sizes of the recordings. */
export function keyOf({ source, files, samples }: SampleFiles, settings: object): string {
  return hashOf([
    JSON.stringify([FORMAT, SHARD_SAMPLES, source, settings]),
    ...files.map(({ path, bytes }) => JSON.stringify([path, bytes])),
    ...samples.map(({ name, label }) => JSON.stringify([name, label])),
  ]);
}

async function makeShard(
  { samples }: SampleFiles,
  make: MakeSample,
  { path, key, first, count }: { path: string; key: string; first: number; count: number },
  damaged: 'error' | 'skip',
  onSample: (done: number) => void,
): Promise<Shard> {
  const entries: ShardEntry[] = [];
  const packed: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    onSample(i);
    const { name, label } = samples[first + i];
    try {
      const sample = packFrames(await make(first + i), label);
      entries.push(sample.entry);
      packed.push(sample.packed);
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      const reason = error.message;
      if (damaged === 'error') throw new DatasetError(`${name}: ${reason}`, { cause: error });
      entries.push({ skipped: reason });
    }
  }
  await writeAtomically(path, shardParts({ key, first, entries }, packed));
  onSample(count);
  const shard = await readShard(path);
  if (shard === null) throw new Error(`${path} must be readable after it was written, but is not`);
  return shard;
}

/** Null if there is none, or if it is truncated or not a shard. */
async function readShard(path: string): Promise<Shard | null> {
  const stats = await fs.stat(path).catch(() => null);
  if (stats === null || stats.size < SHARD_START) return null;
  const length = headerLength(await readAt(path, 0, SHARD_START));
  if (length === null || SHARD_START + length > stats.size) return null;
  const parsed = parseHeader(await readAt(path, SHARD_START, length), stats.size);
  return parsed && { path, ...parsed };
}

/** Whether every sample has its checksum. */
async function isSound({ path, header, offsets }: Shard): Promise<boolean> {
  const bytes = await fs.readFile(path);
  return header.entries.every((entry, i) => {
    if ('skipped' in entry) return true;
    const packed = bytes.subarray(offsets[i], offsets[i] + entry.bytes);
    return hashOf([packed]) === entry.sha256;
  });
}

async function readAt(path: string, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const handle = await fs.open(path);
  try {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(bytes, done, length - done, start + done);
      if (bytesRead === 0) throw new DatasetError(`${path} ends before byte ${start + length}`);
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return bytes;
}

interface Written {
  recordings: SampleFiles;
  settings: object;
  key: string;
  skipped: readonly SkippedSample[];
  shards: readonly Shard[];
}

/** Writes the manifest, and removes files that belong to none of its shards. */
async function writeManifest(
  folder: string,
  { recordings: { source, files, samples }, settings, key, skipped, shards }: Written,
): Promise<void> {
  const hashed: Manifest['shards'] = [];
  for (const { path, header } of shards) {
    const { digest, bytes } = await hashFile(path, 'sha256');
    hashed.push({ file: shardName(header.first), bytes, sha256: digest });
  }
  const manifest: Manifest = {
    format: FORMAT,
    source,
    settings,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    key,
    samples: samples.length - skipped.length,
    skipped,
    shards: hashed,
  };
  await writeAtomically(join(folder, MANIFEST), [
    Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`),
  ]);
  const known = new Set(hashed.map(({ file }) => file));
  for (const name of await fs.readdir(folder)) {
    if (SHARD_NAME.test(name) && !known.has(name)) await fs.rm(join(folder, name));
  }
}
