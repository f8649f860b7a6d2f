/** Data sets of event recordings: frames by index, from the cache or made on each read. */
import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../../datasets/dataset_error';
import type { Events } from '../../datasets/events';
import { eventsToFrames, type FramesOptions } from '../../datasets/frames';
import { checkIndex } from '../../datasets/memory_source';
import { checkOneOf, invalid } from '../../lib/validate';
import { errorCode } from '../files/files';
import { isFile } from '../files/folders';
import { hashOf } from '../files/hash';
import { inParallel } from '../files/in_parallel';
import type { SkippedSample } from './_frames_manifest';
import {
  checkComplete,
  checkSplitOptions,
  type Dataset,
  dataset,
  type SplitOptions,
} from './dataset';
import { keyOf, openFramesCache, type Recordings, settingName } from './frames_cache';
import { type DatasetInfo, datasetRoot, missing } from './info';

/** What becomes of the frames that are made from recordings. */
export interface CacheOptions {
  /**
   * Where to cache frames, with a subfolder per setting; false: do not cache, make them on each read. Default: `frames`
   * in the data set's folder.
   */
  cache?: string | false;
  /**
   * What to do with a recording that cannot be read. 'error' (default): throw; 'skip': leave it out, and list it in
   * `skipped`.
   */
  damaged?: 'error' | 'skip';
  /** Called with the numbers of finished and of all samples while frames are made. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export type EventOptions = SplitOptions & FramesOptions & CacheOptions;

/** Samples are frames `[time, height, width, 2]`: event counts per pixel and polarity. */
export interface EventDataset extends Dataset {
  /** Recordings that were left out, and why. */
  readonly skipped: readonly SkippedSample[];
  /** The events that sample `index` was made from. */
  readEvents(index: number): Promise<Events>;
}

const OPTIONS = ['frames', 'splitBy', 'duration', 'cache', 'damaged', 'onProgress', 'signal'];

/** Lists the recordings of a split, always in the same order. */
export type ListRecordings = (root: string, options: SplitOptions) => Promise<Recordings>;

export async function eventDataset(
  info: DatasetInfo,
  options: EventOptions,
  list: ListRecordings,
): Promise<EventDataset> {
  checkSplitOptions(info, options, OPTIONS);
  const { split, partial, cache, damaged = 'error', onProgress, signal, ...rest } = options;
  checkOneOf('damaged', damaged, ['error', 'skip'] as const);
  if (cache !== undefined && cache !== false && (typeof cache !== 'string' || cache === '')) {
    throw invalid('cache', 'the path of a folder or false', cache);
  }
  if (cache === false && damaged === 'skip') {
    throw new Error(
      "damaged: 'skip' needs the cache, since only reading a recording shows whether it is damaged",
    );
  }
  const { root: given, ...settings } = rest as FramesOptions & { root?: string };
  checkSettings(settings);
  const root = datasetRoot(info.name, given);
  const recordings = await list(root, options);
  const { samples } = recordings;
  checkComplete(info, options, samples.length, root);

  const folder = join(cache || join(root, 'frames'), settingName(split, settings));
  const frames =
    cache === false
      ? uncached(recordings, settings)
      : await openFramesCache(recordings, settings, { folder, damaged, onProgress, signal });
  const { indices, skipped } = frames;
  if (indices.length === 0) {
    throw new DatasetError(
      `all ${samples.length} recordings of ${info.name} in ${root} are damaged`,
    );
  }
  const source = dataset({
    name: info.name,
    split,
    length: indices.length,
    classNames: info.classNames,
    fingerprint: fingerprintOf(keyOf(recordings, settings), skipped.length > 0 ? indices : []),
    workerSpec: { name: info.name, options: { split, root, partial, cache, damaged, ...settings } },
    read(index) {
      checkIndex(index, indices.length);
      return frames.read(index);
    },
  });
  return Object.assign(source, {
    skipped,
    readEvents(index: number) {
      checkIndex(index, indices.length);
      return recordings.readEvents(indices[index]);
    },
  });
}

/** Of recordings and settings; if damaged ones are left out, also of the remaining ones. */
function fingerprintOf(key: string, indices: readonly number[]): string {
  if (indices.length === 0) return key;
  return hashOf([key, indices.join()]);
}

/** Wrong settings fail before anything is listed or made. */
function checkSettings(settings: FramesOptions): void {
  const event = { t: Float64Array.of(0), x: Uint16Array.of(0), y: Uint16Array.of(0) };
  eventsToFrames({ ...event, p: Uint8Array.of(0), width: 1, height: 1 }, settings);
}

function uncached(recordings: Recordings, settings: FramesOptions) {
  return {
    indices: recordings.samples.map((_, i) => i),
    skipped: [],
    async read(index: number) {
      const { name, label } = recordings.samples[index];
      try {
        return { ...eventsToFrames(await recordings.readEvents(index), settings), label };
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
        throw new DatasetError(`${name}: ${error.message}`, { cause: error });
      }
    },
  };
}

/**
 * The files in class folders whose names match, sorted as text (`a_1, a_10, a_2`): the order of torchvision's
 * DatasetFolder, and so of SpikingJelly's splits.
 */
export async function classFolders(
  info: DatasetInfo,
  root: string,
  folders: readonly string[],
  name: RegExp,
): Promise<{ path: string; bytes: number; label: number }[]> {
  const found: { path: string; bytes: number; label: number }[] = [];
  for (const [label, folder] of folders.entries()) {
    for (const entry of await entriesOf(info, root, folder)) {
      if (!name.test(entry.name) || !(await isFile(join(root, folder), entry))) continue;
      found.push({ path: `${folder}/${entry.name}`, bytes: 0, label });
    }
  }
  const sizes = await inParallel(found, async ({ path }) => (await fs.stat(join(root, path))).size);
  return found.map((file, i) => ({ ...file, bytes: sizes[i] }));
}

async function entriesOf(info: DatasetInfo, root: string, folder: string): Promise<Dirent[]> {
  try {
    const entries = await fs.readdir(join(root, folder), { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw missing(info, `the folder ${folder}`, root);
    throw error;
  }
}
