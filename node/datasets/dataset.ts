/** What every data set here returns; and the data sets that fit into memory: images. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { dataSets } from '../../datasets/data_sets';
import { DatasetError } from '../../datasets/dataset_error';
import { memorySource } from '../../datasets/memory_source';
import type { SampleSource } from '../../datasets/sample';
import { type TfDatasetOptions, type TfSample, toTfDataset } from '../../datasets/tf_dataset';
import { checkBoolean, checkKeys, checkOneOf } from '../../lib/validate';
import { errorCode } from '../files/files';
import { hashOf } from '../files/hash';
import { type DatasetInfo, datasetRoot, missing, type Split } from './info';

/** Which split to open, and from which folder. */
export interface SplitOptions {
  split: Split;
  /** The data set's folder. Default: `NAME` in `$SPIKINGFORMER_DATA`, or in the cache folder. */
  root?: string;
  /** Whether to accept an incomplete split. Default false: it is an error. */
  partial?: boolean;
}

/** Samples by index, and as a `tf.data.Dataset`. */
export interface Dataset extends SampleSource {
  /** See toTfDataset. */
  toTfDataset(options?: TfDatasetOptions): tf.data.Dataset<TfSample>;
}

export function dataset(source: SampleSource): Dataset {
  const whole: Dataset = Object.assign(source, {
    toTfDataset: (options?: TfDatasetOptions) => toTfDataset(whole, options),
  });
  return whole;
}

/** Checks the options that all data sets share; the caller names those that this one adds. */
export function checkSplitOptions(
  info: DatasetInfo,
  options: SplitOptions,
  more: readonly string[] = [],
): void {
  checkKeys(info.name, options, ['split', 'root', 'partial', ...more]);
  checkOneOf('split', options.split, ['train', 'test'] as const);
  if (options.partial !== undefined) checkBoolean('partial', options.partial);
}

/** Throws unless a split has the number of samples of the complete data set. */
export function checkComplete(
  { name, samples }: DatasetInfo,
  { split, partial = false }: SplitOptions,
  found: number,
  root: string,
): void {
  if (found === samples[split] || (partial && found > 0)) return;
  const hint = found > 0 && found < samples[split] ? ' (partial: true accepts that)' : '';
  throw new DatasetError(
    `the ${split} split of ${name} must have ${samples[split]} samples, but has ${found} in ` +
      `${root}${hint}`,
  );
}

/** Images in one array, `[images, height, width, channels]`. */
interface Images {
  images: Uint8Array;
  shape: readonly number[];
  labels: Uint8Array;
}

export interface ImageFiles {
  files: Readonly<Record<Split, readonly string[]>>;
  /** One file's images, with their labels if the file has them. */
  parse: (bytes: Uint8Array) => Omit<Images, 'labels'> & { labels?: Uint8Array };
  /** If it has not: the file of their labels, and how to read that many. */
  labels?: {
    file: (images: string) => string;
    parse: (bytes: Uint8Array, count: number) => Uint8Array;
  };
}

/** A split of images held in memory as bytes. */
export async function imageDataset(
  info: DatasetInfo,
  options: SplitOptions,
  { files, parse, labels: beside }: ImageFiles,
): Promise<Dataset> {
  checkSplitOptions(info, options);
  const { split } = options;
  const root = datasetRoot(info.name, options.root);
  /** Adds the file's name to errors. */
  const parsed = async <T>(file: string, read: (bytes: Uint8Array) => T): Promise<T> => {
    const bytes = await fs.readFile(join(root, file)).catch((error) => {
      throw errorCode(error) === 'ENOENT' ? missing(info, file, root) : error;
    });
    try {
      return read(bytes);
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      throw new DatasetError(`${join(root, file)}: ${error.message}`, { cause: error });
    }
  };
  const parts: Images[] = [];
  for (const file of files[split]) {
    const { labels, ...images } = await parsed(file, parse);
    const count = images.shape[0]!;
    const own = labels ?? (await parsed(beside!.file(file), (b) => beside!.parse(b, count)));
    parts.push({ ...images, labels: own });
  }
  const length = parts.reduce((sum, { labels }) => sum + labels.length, 0);
  checkComplete(info, options, length, root);
  const shape = parts[0].shape.slice(1);
  const size = shape.reduce((a, b) => a * b);
  const data = new Uint8Array(new SharedArrayBuffer(length * size)); // Shared, so that workers can read it.
  const labels = new Uint8Array(length);
  for (let at = 0, part = parts.shift(); part; part = parts.shift()) {
    data.set(part.images, at * size);
    labels.set(part.labels, at);
    at += part.labels.length;
  }
  const { name, classNames } = info;
  const { mean, std } = dataSets[name as 'cifar10'];
  const fingerprint = hashOf([data, labels]);
  const samples = { name, split, data, shape, labels, classNames, mean, std, fingerprint };
  return dataset(memorySource(samples));
}
