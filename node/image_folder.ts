/**
 * Images in a folder of class folders, as ImageNet is kept: `root/n01440764/n01440764_10026.JPEG`.
 * Classes are numbered by the sorted names of their folders, as torchvision numbers them. sharp, an
 * optional peer, decodes; the pixels are those that PIL's convert('RGB') gives.
 */
import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type Sharp from 'sharp';
import { DatasetError } from '../datasets/dataset_error';
import { checkIndex } from '../datasets/memory_source';
import type { SampleSource } from '../datasets/sample';
import { checkKeys, invalid } from '../lib/validate';
import { fileError } from './_files';

export interface ImageFolderOptions {
  /** The folder that has the class folders. */
  root: string;
  /** Default 'image-folder'. */
  name?: string;
  /** Default 'train'. */
  split?: string;
  mean?: readonly number[];
  std?: readonly number[];
}

/** What is there, in a form that threads share: 1.3 million names are 36 MB. */
export interface PackedImageFolder {
  name: string;
  split: string;
  root: string;
  classNames: readonly string[];
  mean?: readonly number[];
  std?: readonly number[];
  /** File names in UTF-8, one after another. */
  names: Uint8Array;
  /** Where each name ends. */
  ends: Uint32Array;
  labels: Uint16Array;
}

const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif'];
const MOST_CLASSES = 2 ** 16;

/**
 * Lists the folder; images are read when they are asked for, as `[height, width, 3]`. Files beside
 * the class folders, and those whose names begin with a dot, are not looked at.
 *
 * ```ts
 * const source = await imageFolder({root: '/data/flowers/train'});
 * ```
 *
 * @throws where there is no class folder, one is empty, or one has what is no image by its name
 */
export async function imageFolder(options: ImageFolderOptions): Promise<SampleSource> {
  checkKeys('imageFolder', options, ['root', 'name', 'split', 'mean', 'std']);
  const { root, name = 'image-folder', split = 'train', mean, std } = options;
  if (typeof root !== 'string' || root === '') throw invalid('root', 'the path of a folder', root);
  const folders = (await entriesOf(root)).filter((entry) => entry.isDirectory());
  const classNames = folders.map((folder) => folder.name);
  if (classNames.length === 0 || classNames.length > MOST_CLASSES) {
    throw new DatasetError(
      `${root} must have a folder for each class, but has ${classNames.length} folders`,
    );
  }
  const names: Buffer[] = [];
  const labels: number[] = [];
  for (const [label, className] of classNames.entries()) {
    const files = await entriesOf(join(root, className));
    const odd = files.find((file) => !EXTENSIONS.includes(extname(file.name).toLowerCase()));
    if (odd) throw new DatasetError(`${join(root, className, odd.name)} is no image by its name`);
    if (files.length === 0) {
      throw new DatasetError(
        `class folder ${join(root, className)} must have images, but is empty`,
      );
    }
    for (const file of files) {
      names.push(Buffer.from(file.name));
      labels.push(label);
    }
  }
  const packed: PackedImageFolder = {
    ...{ name, split, root, classNames, mean, std },
    names: new Uint8Array(new SharedArrayBuffer(names.reduce((sum, n) => sum + n.length, 0))),
    ends: new Uint32Array(new SharedArrayBuffer(4 * names.length)),
    labels: new Uint16Array(new SharedArrayBuffer(2 * names.length)),
  };
  packed.labels.set(labels);
  let at = 0;
  names.forEach((bytes, i) => {
    packed.names.set(bytes, at);
    at += bytes.length;
    packed.ends[i] = at;
  });
  return unpackImageFolder(packed);
}

/** The source of a folder that was listed before. */
export function unpackImageFolder(packed: PackedImageFolder): SampleSource {
  const { root, name, split, classNames, mean, std, names, ends, labels } = packed;
  const pathOf = (index: number) => {
    const bytes = names.slice(index === 0 ? 0 : ends[index - 1], ends[index]);
    return join(root, classNames[labels[index]], Buffer.from(bytes).toString());
  };
  return {
    ...{ name, split, classNames, mean, std },
    length: labels.length,
    workerSpec: { name: 'image-folder', options: packed },
    async read(index) {
      checkIndex(index, labels.length);
      const { data, height, width } = await decodeImage(pathOf(index));
      return { data, shape: [height, width, 3], label: labels[index] };
    },
  };
}

/** Sorted as Python sorts, by code points, but for what begins with a dot. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch((error) => {
    throw fileError(`cannot list ${folder}`, error);
  });
  return entries
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/**
 * Red, green and blue of an image file, row-major. Colour profiles and rotation marks are not
 * applied, as PIL does not apply them.
 *
 * @throws DatasetError where it is no image, or not a whole one
 */
export async function decodeImage(
  path: string,
): Promise<{ data: Uint8Array; width: number; height: number }> {
  const sharp = await loadSharp();
  const bytes = await fs.readFile(path);
  try {
    const image = sharp(bytes, { ignoreIcc: true, failOn: 'error' });
    if ((await image.metadata()).space === 'cmyk') return await decodeCmyk(image);
    const rgb = image.toColourspace('srgb').removeAlpha().raw();
    const { data, info } = await rgb.toBuffer({ resolveWithObject: true });
    return { data: new Uint8Array(data), width: info.width, height: info.height };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatasetError(`${path} is no image that can be decoded: ${reason}`, { cause: error });
  }
}

/** Without a profile: what a colour leaves of white, times what black leaves of it. */
async function decodeCmyk(image: Sharp.Sharp) {
  const inks = image.pipelineColourspace('cmyk').toColourspace('cmyk').raw();
  const { data, info } = await inks.toBuffer({ resolveWithObject: true });
  const out = new Uint8Array(info.width * info.height * 3);
  for (let from = 0, to = 0; to < out.length; from += 4) {
    const white = 255 - data[from + 3];
    // The product over 255, rounded in integers.
    for (let c = 0; c < 3; c++) {
      const product = data[from + c] * white + 128;
      out[to++] = white - (((product >> 8) + product) >> 8);
    }
  }
  return { data: out, width: info.width, height: info.height };
}

let sharpModule: Promise<typeof Sharp> | undefined;

function loadSharp(): Promise<typeof Sharp> {
  sharpModule ??= import('sharp').then(
    ({ default: sharp }) => {
      if (!isMainThread) sharp.concurrency(1); // the workers are the threads
      return sharp;
    },
    (cause: Error) => {
      throw new Error(
        `images are decoded by sharp, which does not load: \`npm install sharp\` (${cause.message})`,
        { cause },
      );
    },
  );
  return sharpModule;
}
