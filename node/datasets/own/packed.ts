/** Many images in a file: pairs of IDX files, as MNIST has them, and the binaries of CIFAR-10 and CIFAR-100. */
import { join } from 'node:path';
import { readCifar10, readCifar100 } from '../../../datasets/cifar';
import { DatasetError } from '../../../datasets/dataset_error';
import { readIdx } from '../../../datasets/idx';
import type { Split } from '../info';
import { readSampleFile } from './read_file';
import { lookInto } from './walk';

/** Images of one size, as bytes. */
export interface PackedImages {
  data: Uint8Array;
  /** Of one image: `[height, width, channels]`. */
  shape: [height: number, width: number, channels: number];
  labels: Uint16Array;
}

export interface Packed {
  train: PackedImages;
  /** Undefined if there are no files of them. */
  test?: PackedImages;
  classNames: readonly string[];
}

const IMAGES = /^(.*)images([.-])idx(\d)-ubyte$/;
const isTest = (name: string) => /^(t10k|test|val)/i.test(name);
const NAMES = ['classes.txt', 'batches.meta.txt', 'fine_label_names.txt'];

/** Whether a folder has such files, and no folders, which would be classes. */
export async function isPacked(root: string): Promise<boolean> {
  const { files, folders } = await lookInto(root);
  return folders.length === 0 && files.some((name) => IMAGES.test(name) || name.endsWith('.bin'));
}

/**
 * What such files a folder has; null if it has none.
 * @throws DatasetError if they are damaged, are of several sizes, or lack their labels
 */
export async function readPacked(root: string): Promise<Packed | null> {
  if (!(await isPacked(root))) return null;
  const { files } = await lookInto(root);
  const idx = files.filter((name) => IMAGES.test(name));
  const cifar = files.filter((name) => name.endsWith('.bin'));
  const names = idx.length > 0 ? idx : cifar;
  const read = idx.length > 0 ? readIdxPair : readCifar;
  const parts: Record<Split, PackedImages[]> = { train: [], test: [] };
  for (const name of names) {
    try {
      parts[isTest(name) ? 'test' : 'train'].push(await read(root, name, files));
    } catch (error) {
      throw new DatasetError(`${join(root, name)}: ${(error as Error).message}`, { cause: error });
    }
  }
  const shapes = [...parts.train, ...parts.test].map(({ shape }) => shape.join(' x '));
  const other = shapes.find((shape) => shape !== shapes[0]);
  if (other || parts.train.length === 0) {
    throw new DatasetError(
      other
        ? `images of ${root} must have one size, but have ${shapes[0]} and ${other}`
        : `${root} must have images to train on, but has only ${names.join(', ')}`,
    );
  }
  const [train, test] = [joined(parts.train), parts.test.length > 0 && joined(parts.test)];
  const classNames = await namesOf(root, files, [train, ...(test ? [test] : [])]);
  return { train, ...(test && { test }), classNames };
}

async function readIdxPair(root: string, name: string, files: readonly string[]) {
  const [, prefix, mark] = IMAGES.exec(name)!;
  const beside = `${prefix}labels${mark}idx1-ubyte`;
  if (!files.includes(beside)) throw new DatasetError(`its labels must be in ${beside} beside it`);
  const images = readIdx(await readSampleFile(join(root, name)));
  const labels = readIdx(await readSampleFile(join(root, beside)));
  const [count, height, width, channels = 1] = images.shape as [number, number, number, number?];
  const isImage = images.dtype === 'uint8' && images.shape.length >= 3 && images.shape.length <= 4;
  if (!isImage || (channels !== 1 && channels !== 3) || labels.dtype !== 'uint8') {
    throw new DatasetError(
      `it must hold bytes [images, height, width] or [images, height, width, 3], but holds ${images.dtype} [${images.shape}]`,
    );
  }
  if (labels.shape.join() !== String(count)) {
    throw new DatasetError(`${beside} must have ${count} labels, but has shape [${labels.shape}]`);
  }
  const shape: PackedImages['shape'] = [height, width, channels];
  return { data: images.data as Uint8Array, shape, labels: Uint16Array.from(labels.data) };
}

/** A file's size shows which records it holds; if both fit, they are CIFAR-10's. */
async function readCifar(root: string, name: string) {
  const bytes = await readSampleFile(join(root, name));
  const { images, labels } = bytes.length % 3073 === 0 ? readCifar10(bytes) : readCifar100(bytes);
  const shape: PackedImages['shape'] = [32, 32, 3];
  return { data: images, shape, labels: Uint16Array.from(labels) };
}

function joined(parts: readonly PackedImages[]): PackedImages {
  const size = parts[0]!.shape.reduce((a, b) => a * b);
  const count = parts.reduce((sum, { labels }) => sum + labels.length, 0);
  const data = new Uint8Array(new SharedArrayBuffer(count * size)); // so that workers can see it
  const labels = new Uint16Array(count);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at * size);
    labels.set(part.labels, at);
    at += part.labels.length;
  }
  return { data, shape: parts[0]!.shape, labels };
}

/** A line for each class in a file of names, or the numbers of the labels. */
async function namesOf(
  root: string,
  files: readonly string[],
  parts: readonly PackedImages[],
): Promise<string[]> {
  const largest = parts.reduce(
    (most, { labels }) => labels.reduce((a, b) => Math.max(a, b), most),
    0,
  );
  const file = NAMES.find((name) => files.includes(name));
  if (file === undefined) return Array.from({ length: largest + 1 }, (_, i) => String(i));
  const text = (await readSampleFile(join(root, file))).toString('utf8');
  const names = text.split(/\r?\n/).filter((line) => line !== '');
  if (names.length > largest) return names;
  throw new DatasetError(
    `${join(root, file)} must name ${largest + 1} classes, one per line, but names ${names.length}`,
  );
}
