/**
 * Images in a folder of class folders, as for ImageNet: `root/n01440764/n01440764_10026.JPEG`. Classes are numbered by
 * the sorted names of their folders, as in torchvision. sharp, an optional peer, decodes; the pixels equal those of
 * PIL's convert('RGB').
 */
import fs from 'node:fs/promises';
import { extname, join } from 'node:path';
import { DatasetError } from '../../datasets/dataset_error';
import { checkKeys, invalid } from '../../lib/validate';
import { filesBelow, foldersIn } from '../files/folders';
import { hashOf } from '../files/hash';
import { inParallel } from '../files/in_parallel';
import { imageExtensions } from './_decode_image';
import { type Dataset, dataset } from './dataset';
import { type PackedImageFolder, unpackImageFolder } from './packed_image_folder';

/** Options of `imageFolder`. */
export interface ImageFolderOptions {
  /** The folder that contains the class folders. */
  root: string;
  /** Name for messages. Default 'image-folder'. */
  name?: string;
  /** Split for messages. Default 'train'. */
  split?: string;
  mean?: readonly number[];
  std?: readonly number[];
}

const MOST_CLASSES = 2 ** 16;

/**
 * Lists the folder; images are read on demand, as `[height, width, 3]`. Folders inside a class folder belong to it, and
 * links are followed, as in torchvision and timm. Files next to the class folders, and names that begin with a dot, are
 * ignored.
 *
 * ```ts
 * const source = await imageFolder({root: '/data/flowers/train'});
 * ```
 *
 * @throws if there is no class folder, or if one is empty or has a file with an unsupported extension
 */
export async function imageFolder(options: ImageFolderOptions): Promise<Dataset> {
  checkKeys('imageFolder', options, ['root', 'name', 'split', 'mean', 'std']);
  const { root, name = 'image-folder', split = 'train', mean, std } = options;
  if (typeof root !== 'string' || root === '') throw invalid('root', 'the path of a folder', root);
  const classNames = await foldersIn(root);
  if (classNames.length === 0 || classNames.length > MOST_CLASSES) {
    throw new DatasetError(
      `${root} must have a folder for each class, but has ${classNames.length} folders`,
    );
  }
  const names: Buffer[] = [];
  const labels: number[] = [];
  for (const [label, className] of classNames.entries()) {
    const files = await filesBelow(join(root, className));
    const odd = files.find((file) => !imageExtensions.includes(extname(file).toLowerCase()));
    if (odd) {
      throw new DatasetError(
        `the name of ${join(root, className, odd)} must end in one of ${imageExtensions.join(' ')}`,
      );
    }
    if (files.length === 0) {
      throw new DatasetError(
        `class folder ${join(root, className)} must have images, but is empty`,
      );
    }
    for (const file of files) {
      names.push(Buffer.from(file));
      labels.push(label);
    }
  }
  const packed: PackedImageFolder = {
    ...{ name, split, root, classNames, mean, std },
    fingerprint: await fingerprintOf(root, classNames, names, labels),
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
  return dataset(unpackImageFolder(packed));
}

/**
 * The most files whose sizes are looked up (half a minute on a slow disk); with more files, a regular sample of them.
 */
const MOST_SIZES = 100_000;

/**
 * Of the classes, the file names, and the sizes of all files or, if there are very many, of a sample across the set.
 */
async function fingerprintOf(
  root: string,
  classNames: readonly string[],
  names: readonly Buffer[],
  labels: readonly number[],
): Promise<string> {
  const stride = Math.ceil(names.length / MOST_SIZES);
  const sizes = await inParallel(names, async (name, i) => {
    if (i % stride !== 0) return '';
    return (await fs.stat(join(root, classNames[labels[i]!]!, `${name}`))).size;
  });
  const files = names.map((name, i) => `${labels[i]}/${name}:${sizes[i]};`);
  return hashOf([JSON.stringify(classNames), ...files]);
}
