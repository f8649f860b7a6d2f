/** A folder of your own as the splits of a data set: images or recordings, decoded once and kept. */
import { join } from 'node:path';
import { checkIndex, memorySource } from '../../../datasets/memory_source';
import { hashOf } from '../../files/hash';
import { type Dataset, dataset } from '../dataset';
import { keyOf, openSamplesCache, type SampleFiles } from '../frames_cache';
import type { Split } from '../info';
import { cacheFolder } from './cache_folder';
import { type ImageRules, readImage } from './image';
import {
  type LeftOut,
  type Listing,
  type ListingOptions,
  listOwnData,
  splitFiles,
} from './listing';
import { type Packed, type PackedImages, readPacked } from './packed';
import { readSampleFile } from './read_file';
import { type FrameRules, framesOf, readRecording, type Size } from './recording';

/** What makes samples of files. */
export type SampleRules =
  | ({ kind: 'images' } & ImageRules)
  | ({ kind: 'events'; sensor?: Size } & FrameRules);

export interface OwnOptions extends ListingOptions {
  root: string;
  rules: SampleRules;
  mean?: readonly number[];
  std?: readonly number[];
  /** Samples that are done, of all of the split. */
  onProgress?: (split: Split, done: number, total: number) => void;
  signal?: AbortSignal;
}

export type OwnSplit = Dataset & {
  /** The files that could not be read. */
  readonly skipped: readonly LeftOut[];
  /** Samples of each class. */
  readonly counts: number[];
};

function countsOf(labels: Iterable<number>, classes: number): number[] {
  const counts = Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

/** A split of class folders that were listed before. */
export async function openListing(
  listing: Listing,
  split: Split,
  options: OwnOptions,
): Promise<OwnSplit> {
  const { root, rules, onProgress, signal, mean, std } = options;
  const files = listing[split];
  const samples: SampleFiles = {
    source: { dataset: `own-${listing.kind}`, split },
    files,
    samples: files.map(({ path, label }) => ({ name: path, label })),
  };
  const folder = join(await cacheFolder(root), 'samples', `${split}-${settingOf(rules)}`);
  const make = async (index: number) => {
    const { path } = files[index]!;
    const bytes = await readSampleFile(join(root, path));
    if (rules.kind === 'images') return readImage(bytes, path, rules);
    return framesOf(await readRecording(path, bytes, rules.sensor), rules);
  };
  const kept = await openSamplesCache(samples, rules, make, {
    ...{ folder, damaged: 'skip', signal },
    onProgress: (done, total) => onProgress?.(split, done, total),
  });
  const isImages = listing.kind === 'images';
  const { onProgress: _, signal: __, ...plain } = options;
  const source = dataset({
    name: `own-${listing.kind}`,
    split,
    length: kept.indices.length,
    classNames: listing.classNames,
    ...{ mean, std },
    fingerprint: hashOf([keyOf(samples, rules), kept.indices.join()]),
    workerSpec: { name: 'own-data', options: { ...plain, part: split } },
    async read(index) {
      checkIndex(index, kept.indices.length);
      const sample = await kept.read(index);
      return isImages ? { ...sample, data: Uint8Array.from(sample.data) } : sample;
    },
  });
  const labels = kept.indices.map((index) => files[index]!.label);
  const counts = countsOf(labels, listing.classNames.length);
  return Object.assign(source, { skipped: kept.skipped, counts });
}

const settingOf = (rules: SampleRules) =>
  rules.kind === 'images'
    ? `${rules.side}-${rules.channels}-${rules.interpolation}`
    : `${rules.frames}-${rules.splitBy}-${rules.size.join('x')}`;

/** A split of images that lie in packed files, in memory. */
export function packedSplit(
  { train, test, classNames }: Packed,
  split: Split,
  options: Pick<OwnOptions, 'split' | 'seed' | 'mean' | 'std'>,
): OwnSplit {
  const { data, shape, labels } = test
    ? { train, test }[split]
    : share(train, split, options, classNames);
  const { mean, std } = options;
  const fingerprint = hashOf([data, new Uint8Array(labels.buffer), JSON.stringify(classNames)]);
  const source = memorySource({
    ...{ name: 'own-images', split, data, shape, labels, classNames, mean, std, fingerprint },
  });
  return Object.assign(dataset(source), {
    skipped: [],
    counts: countsOf(labels, classNames.length),
  });
}

function share(
  { data, shape, labels }: PackedImages,
  split: Split,
  options: Pick<OwnOptions, 'split' | 'seed'>,
  classNames: readonly string[],
): PackedImages {
  const all = Array.from(labels, (label, i) => ({ label, i }));
  const chosen = splitFiles(all, classNames, options)[split];
  const size = shape.reduce((a, b) => a * b);
  const own = new Uint8Array(new SharedArrayBuffer(chosen.length * size));
  for (const [to, { i }] of chosen.entries()) {
    own.set(data.subarray(i * size, (i + 1) * size), to * size);
  }
  return { data: own, shape, labels: Uint16Array.from(chosen, ({ label }) => label) };
}

/**
 * One split of a folder of your own.
 * @throws DatasetError if there is nothing that could be classified
 */
export async function openOwnData(options: OwnOptions, split: Split): Promise<OwnSplit> {
  const packed = options.rules.kind === 'events' ? null : await readPacked(options.root);
  if (packed) return packedSplit(packed, split, options);
  return openListing(await listOwnData(options.root, options), split, options);
}

/** What a worker thread opens anew. */
export const reopenOwnData = ({ part, ...options }: OwnOptions & { part: Split }) =>
  openOwnData(options, part);
