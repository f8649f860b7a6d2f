/** What every data set of this room returns, and the data sets that fit into memory: images. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { DatasetError } from '../../datasets/dataset_error';
import { memorySource } from '../../datasets/memory_source';
import type { SampleSource } from '../../datasets/sample';
import { type TfDatasetOptions, type TfSample, toTfDataset } from '../../datasets/tf_dataset';
import { checkBoolean, checkKeys, checkOneOf } from '../../lib/validate';
import { errorCode } from '../_files';
import { type DatasetInfo, datasetRoot, missing, type Split } from './_info';

export interface SplitOptions {
  split: Split;
  /** The data set's folder. Default: `NAME` in `$SPIKINGFORMER_DATA`, or in the cache folder. */
  root?: string;
  /** Takes what is there. Default false: a split that is not complete is an error. */
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

/** Checks what all data sets are asked, with the names of what else this one knows. */
export function checkSplitOptions(
  info: DatasetInfo,
  options: SplitOptions,
  more: readonly string[] = [],
): void {
  checkKeys(info.name, options, ['split', 'root', 'partial', ...more]);
  checkOneOf('split', options.split, ['train', 'test'] as const);
  if (options.partial !== undefined) checkBoolean('partial', options.partial);
}

/** Throws where a split has not the samples that it has when complete. */
export function checkComplete(
  { name, samples }: DatasetInfo,
  { split, partial = false }: SplitOptions,
  found: number,
  root: string,
): void {
  if (found === samples[split] || (partial && found > 0)) return;
  const hint = found > 0 && found < samples[split] ? ' (partial: true takes what is there)' : '';
  throw new DatasetError(
    `the ${split} split of ${name} must have ${samples[split]} samples, but has ${found} in ` +
      `${root}${hint}`,
  );
}

/** Images in one piece, `[images, height, width, channels]`. */
interface Images {
  images: Uint8Array;
  shape: readonly number[];
  labels: Uint8Array;
}

export interface ImageFiles<T extends Images> {
  files: Readonly<Record<Split, readonly string[]>>;
  /** One file's images; `read` gives others that belong to it. */
  parse: (bytes: Uint8Array, read: (file: string) => Promise<Uint8Array>) => T | Promise<T>;
  mean: readonly number[];
  std: readonly number[];
}

/** A split of images held in memory as bytes. */
export async function imageDataset<T extends Images>(
  info: DatasetInfo,
  options: SplitOptions,
  { files, parse, mean, std }: ImageFiles<T>,
): Promise<Dataset> {
  checkSplitOptions(info, options);
  const { split } = options;
  const root = datasetRoot(info.name, options.root);
  const read = async (file: string): Promise<Uint8Array> => {
    try {
      return await fs.readFile(join(root, file));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw missing(info, file, root);
      throw error;
    }
  };
  const parts: T[] = [];
  for (const file of files[split]) {
    try {
      parts.push(await parse(await read(file), read));
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      throw new DatasetError(`${join(root, file)}: ${error.message}`, { cause: error });
    }
  }
  const length = parts.reduce((sum, { labels }) => sum + labels.length, 0);
  checkComplete(info, options, length, root);
  const shape = parts[0].shape.slice(1);
  const size = shape.reduce((a, b) => a * b);
  const data = new Uint8Array(new SharedArrayBuffer(length * size)); // so that workers can see it
  const labels = new Uint8Array(length);
  for (let at = 0, part = parts.shift(); part; part = parts.shift()) {
    data.set(part.images, at * size);
    labels.set(part.labels, at);
    at += part.labels.length;
  }
  const { name, classNames } = info;
  return dataset(memorySource({ name, split, data, shape, labels, classNames, mean, std }));
}
