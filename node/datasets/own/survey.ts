/** What a folder of your own holds: classes, sizes, statistics, and what is wrong with it. */
import { join } from 'node:path';
import { DatasetError } from '../../../datasets/dataset_error';
import type { SampleSource } from '../../../datasets/sample';
import { Random } from '../../../lib/random';
import { hashOf } from '../../files/hash';
import type { Split } from '../info';
import { imageRules, sizeOfImage } from './image';
import { type LeftOut, type Listing, type ListingOptions, listOwnData } from './listing';
import {
  type OwnOptions,
  type OwnSplit,
  openListing,
  packedSplit,
  type SampleRules,
} from './own_data';
import { readPacked } from './packed';
import { readSampleFile } from './read_file';
import { readRecording, type Size } from './recording';

export interface SurveyOptions extends ListingOptions, Pick<OwnOptions, 'onProgress' | 'signal'> {
  root: string;
  /** Found if they are missing. */
  size?: Size;
  sensor?: Size;
  mean?: readonly number[];
  std?: readonly number[];
  /** Of images: see evalTransforms. */
  cropPct: number;
  interpolation: 'bilinear' | 'bicubic';
  channels?: 1 | 3;
  /** Of events. */
  frames: number;
  splitBy: 'number' | 'time';
}

/** What there is in a folder of your own data. */
export interface Survey {
  kind: Listing['kind'];
  classNames: readonly string[];
  size: Size;
  sensor?: Size;
  channels?: 1 | 3;
  mean?: number[];
  std?: number[];
  /** Samples of each class that can be read. */
  counts: Readonly<Record<Split, number[]>>;
  leftOut: readonly LeftOut[];
  unreadable: readonly LeftOut[];
  /** The folder of the held-out samples, if there is one. */
  testFolder?: string;
  /** Held-out files that are among the training files too, name and content. */
  repeated: readonly string[];
}

/** Looked at for sizes, and for mean and deviation. */
const MOST_SIZES = 200;
const MOST_STATISTICS = 2000;
/** Compared by content. */
const MOST_COMPARED = 1000;
/** The longest side that is found: what a network without a GPU trains on in minutes. */
const LONGEST = 64;

/** @throws DatasetError if there is nothing that could be classified, or no sample can be read */
export async function surveyOwnData(options: SurveyOptions): Promise<Survey> {
  const packed = options.kind === 'events' ? null : await readPacked(options.root);
  if (packed) {
    const [height, width, channels] = packed.train.shape;
    const splits = {
      train: packedSplit(packed, 'train', options),
      test: packedSplit(packed, 'test', options),
    };
    const size = options.size ?? ([height, width] as const);
    const found = { kind: 'images', size, channels: channels as 1 | 3 } as const;
    return { ...found, ...(await look(splits, options)), leftOut: [], repeated: [] };
  }
  const listing = await listOwnData(options.root, options);
  const { kind, classNames, leftOut } = listing;
  const { size, sensor } =
    kind === 'images' ? await imageSizes(listing, options) : await sensors(listing, options);
  const { cropPct, channels = 3, interpolation, frames, splitBy } = options;
  const rules: SampleRules =
    kind === 'images'
      ? { kind, ...imageRules(size, channels, { cropPct, interpolation }) }
      : { kind, frames, splitBy, size, ...(sensor && { sensor }) };
  const given: OwnOptions = { ...options, kind, classNames, rules };
  const splits = {
    train: await openListing(listing, 'train', given),
    test: await openListing(listing, 'test', given),
  };
  return {
    ...{ kind, size },
    ...(kind === 'images' ? { channels } : sensor && { sensor }),
    ...(await look(splits, options)),
    ...(listing.testFolder !== undefined && { testFolder: listing.testFolder }),
    ...{ leftOut, repeated: await repeatedFiles(listing, options.root) },
  };
}

async function look(
  splits: Record<Split, OwnSplit>,
  { mean, std, seed }: SurveyOptions,
): Promise<Pick<Survey, 'classNames' | 'counts' | 'unreadable' | 'mean' | 'std'>> {
  const { train, test } = splits;
  for (const split of ['train', 'test'] as const) {
    if (splits[split].length > 0) continue;
    const [first] = splits[split].skipped;
    throw new DatasetError(
      first
        ? `all ${splits[split].skipped.length} ${split} samples cannot be read; ${first.name}: ${first.reason}`
        : `there must be a sample to ${split} on, but there is none`,
    );
  }
  const isImages = train.name === 'own-images';
  return {
    classNames: train.classNames,
    counts: { train: train.counts, test: test.counts },
    unreadable: [...train.skipped, ...test.skipped],
    ...(isImages &&
      (mean && std ? { mean: [...mean], std: [...std] } : await statistics(train, seed))),
  };
}

/** Some of the indices below `length`, in order, drawn by the seed. */
const some = (length: number, most: number, seed: number) =>
  [...new Random(seed, 'survey').permutation(length).subarray(0, most)].sort((a, b) => a - b);

/** Of each channel, of values in 0..1, to four digits. */
async function statistics(source: SampleSource, seed: number) {
  let [sums, squares, pixels]: [number[], number[], number] = [[], [], 0];
  for (const i of some(source.length, MOST_STATISTICS, seed)) {
    const { data, shape } = await source.read(i);
    const channels = shape[2]!;
    if (pixels === 0) [sums, squares] = [Array(channels).fill(0), Array(channels).fill(0)];
    data.forEach((byte, k) => {
      sums[k % channels]! += byte / 255;
      squares[k % channels]! += (byte / 255) ** 2;
    });
    pixels += data.length / channels;
  }
  const digits = (value: number) => Math.round(value * 1e4) / 1e4;
  const mean = sums.map((sum) => digits(sum / pixels));
  // Images of one color deviate by nothing, by which nothing can be divided.
  const std = squares.map((sum, c) =>
    digits(Math.sqrt(Math.max(sum / pixels - mean[c]! ** 2, 1e-4))),
  );
  return { mean, std };
}

/** What `read` gives of some training files; those that cannot be read are left to who opens them. */
async function sampled<T>(
  { train }: Listing,
  { root, seed }: SurveyOptions,
  read: (bytes: Buffer, path: string) => Promise<T>,
): Promise<T[]> {
  const found: T[] = [];
  let failure: unknown;
  for (const i of some(train.length, MOST_SIZES, seed)) {
    const { path } = train[i]!;
    try {
      found.push(await read(await readSampleFile(join(root, path)), path));
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      failure = error;
    }
  }
  if (found.length === 0) throw failure;
  return found;
}

/** If all have one size, and it is small, that; else the median of the shorter sides, 64 at most. */
async function imageSizes(
  listing: Listing,
  options: SurveyOptions,
): Promise<{ size: Size; sensor?: Size }> {
  if (options.size) return { size: options.size };
  const sizes = await sampled(listing, options, sizeOfImage);
  const [{ width, height }] = sizes as [{ width: number; height: number }];
  const isOne = sizes.every((other) => other.width === width && other.height === height);
  if (isOne && Math.max(width, height) <= LONGEST) return { size: [height, width] };
  const sides = sizes.map((size) => Math.min(size.width, size.height)).sort((a, b) => a - b);
  const median = sides[Math.floor(sides.length / 2)]!;
  const side = Math.min(LONGEST, Math.max(16, 16 * Math.floor(median / 16)));
  return { size: [side, side] };
}

/** The largest sensor there is; the size is a whole fraction of it, 64 at most. */
async function sensors(
  listing: Listing,
  options: SurveyOptions,
): Promise<{ size: Size; sensor?: Size }> {
  const found = await sampled(listing, options, async (bytes, path) => {
    const recording = await readRecording(path, bytes, options.sensor);
    if ('frames' in recording) {
      const [, height, width] = recording.frames.shape;
      return { height, width, said: true };
    }
    const { events, said } = recording;
    return { height: events.height, width: events.width, said };
  });
  const largest = (of: typeof found): Size => [
    Math.max(...of.map(({ height }) => height)),
    Math.max(...of.map(({ width }) => width)),
  ];
  const unsaid = found.filter(({ said }) => !said);
  const sensor = options.sensor ?? (unsaid.length > 0 ? rounded(largest(unsaid)) : undefined);
  const [height, width] = largest(found).map((side, i) => Math.max(side, sensor?.[i] ?? 0)) as [
    number,
    number,
  ];
  const part = Math.ceil(Math.max(height, width) / LONGEST);
  const size = options.size ?? ([Math.ceil(height / part), Math.ceil(width / part)] as const);
  return { size, ...(sensor && { sensor }) };
}

/** N-MNIST's sensor, or what events need, a little more: not every recording was looked at. */
const rounded = (size: Size): Size => {
  if (Math.max(...size) <= 34) return [34, 34];
  return [8 * Math.ceil(size[0] / 8), 8 * Math.ceil(size[1] / 8)];
};

/** Files that have one name and content in both splits: whoever is tested on them was shown the answers. */
async function repeatedFiles(
  { train, test, testFolder }: Listing,
  root: string,
): Promise<string[]> {
  if (testFolder === undefined) return [];
  const tail = (path: string) => path.slice(path.indexOf('/') + 1);
  const known = new Map(train.map((file) => [`${tail(file.path)}:${file.bytes}`, file.path]));
  const twice = test.filter((file) => known.has(`${tail(file.path)}:${file.bytes}`));
  const digest = async (path: string) => hashOf([await readSampleFile(join(root, path))]);
  const repeated: string[] = [];
  for (const { path, bytes } of twice.slice(0, MOST_COMPARED)) {
    const other = known.get(`${tail(path)}:${bytes}`)!;
    const [a, b] = await Promise.all([digest(path), digest(other)]).catch(() => ['', ' ']);
    if (a === b) repeated.push(path);
  }
  return repeated;
}
