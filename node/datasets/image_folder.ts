/**
 * Images in a folder of class folders, as ImageNet is kept: `root/n01440764/n01440764_10026.JPEG`.
 * Classes are numbered by the sorted names of their folders, as torchvision numbers them. sharp, an
 * optional peer, decodes; the pixels are those that PIL's convert('RGB') gives.
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

const MOST_CLASSES = 2 ** 16;

/**
 * Lists the folder; images are read when they are asked for, as `[height, width, 3]`. Folders in
 * a class folder belong to it; links are followed, as torchvision and timm follow them. Files beside the
 * class folders, and what has a name that begins with a dot, are not looked at.
 *
 * ```ts
 * const source = await imageFolder({root: '/data/flowers/train'});
 * ```
 *
 * @throws where there is no class folder, one is empty, or one has a file whose name ends in none of the kinds that are read
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

/** How many files' sizes are looked up, half a minute on a slow disk; of more, every second's, third's and so on. */
const MOST_SIZES = 100_000;

/** Of the classes, the files' names, and the sizes of all of them or, of very many, of some all over the set. */
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
