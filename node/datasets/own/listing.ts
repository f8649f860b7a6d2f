/** Which samples a folder of your own has: class folders, in train and val folders or not, and what belongs to neither. */
import fs from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { DatasetError } from '../../../datasets/dataset_error';
import { Random } from '../../../lib/random';
import { inParallel } from '../../files/in_parallel';
import type { Split } from '../info';
import { imageExtensions } from './image';
import { isPacked } from './packed';
import { recordingExtensions } from './recording';
import { filesBelow, lookInto } from './walk';

/** A sample that there seems to be. */
export interface OwnFile {
  /** Below the data's folder. */
  path: string;
  bytes: number;
  label: number;
}

/** What was not taken, or could not be read: its path, and why. */
export interface LeftOut {
  name: string;
  reason: string;
}

export interface Listing {
  kind: 'images' | 'events';
  classNames: readonly string[];
  train: readonly OwnFile[];
  test: readonly OwnFile[];
  leftOut: readonly LeftOut[];
  /** The folder that has the held-out samples; undefined: a share of all. */
  testFolder?: string;
}

export interface ListingOptions {
  /** Default: what there is, if it is not both. */
  kind?: 'images' | 'events';
  /** Only these classes, in this order. Default: all, sorted. */
  classNames?: readonly string[];
  /** The share of each class that is held out, if no folder is. */
  split: number;
  /** Draws them. */
  seed: number;
}

const TRAIN = ['train', 'training'];
const TEST = ['val', 'valid', 'validation', 'test', 'testing'];

/** @throws DatasetError if there are no classes, only one, or classes without samples */
export async function listOwnData(folder: string, options: ListingOptions): Promise<Listing> {
  const root = resolve(folder);
  const top = await lookInto(root);
  const named = (names: readonly string[]) =>
    names.flatMap((name) => top.folders.filter((found) => found.toLowerCase() === name))[0];
  const trainFolder = named(TRAIN);
  const testFolder = trainFolder === undefined ? undefined : named(TEST);
  const there = trainFolder === undefined ? top : await lookInto(join(root, trainFolder));
  const leftOut: LeftOut[] = [...top.odd];
  const classNames = checkClasses(join(root, trainFolder ?? ''), there, options.classNames);
  const all = await classFiles(root, trainFolder ?? '', classNames, leftOut);
  const held = testFolder && (await testFiles(root, testFolder, classNames, options, leftOut));
  const kind = options.kind ?? kindOf(root, [...all, ...(held || [])]);
  const ofKind = (files: OwnFile[]) =>
    files.filter(({ path }) => {
      if (isOf(kind, path)) return true;
      leftOut.push({ name: path, reason: `its name ends as that of no ${one[kind]}` });
      return false;
    });
  const files = ofKind(all);
  checkFilled(join(root, trainFolder ?? ''), files, classNames, `${article[kind]} ${one[kind]}`);
  if (held) {
    const test = ofKind(held);
    if (test.length === 0) throw new DatasetError(`${join(root, testFolder)} has no ${one[kind]}`);
    return { kind, classNames, train: files, test, leftOut, testFolder };
  }
  return { kind, classNames, ...splitFiles(files, classNames, options), leftOut };
}

const one = { images: 'image', events: 'recording' } as const;
const article = { images: 'an', events: 'a' } as const;
const extensions = { images: imageExtensions, events: recordingExtensions } as const;

const isOf = (kind: Listing['kind'], path: string) =>
  extensions[kind].includes(extname(path).toLowerCase());

function checkClasses(
  folder: string,
  { folders, files }: { folders: readonly string[]; files: readonly string[] },
  given: readonly string[] | undefined,
): readonly string[] {
  if (given) {
    const missing = given.find((name) => !folders.includes(name));
    if (missing === undefined) return given;
    throw new DatasetError(
      `${folder} must have the folder of class ${JSON.stringify(missing)}, but has ${some(folders)}`,
    );
  }
  if (folders.length >= 2) return folders;
  const has =
    folders.length === 0 ? `${files.length} files and no folder` : `only ${some(folders)}`;
  throw new DatasetError(
    `${folder} must have a folder for each of two or more classes, but has ${has}`,
  );
}

/** A few of them, so that a message stays a line. */
export const few = (all: readonly string[], most = 5) =>
  all.slice(0, most).join(', ') + (all.length > most ? ` and ${all.length - most} more` : '');

const some = (names: readonly string[]) => few(names.map((name) => JSON.stringify(name)));

async function classFiles(
  root: string,
  below: string,
  classNames: readonly string[],
  leftOut: LeftOut[],
): Promise<OwnFile[]> {
  const found: OwnFile[] = [];
  for (const [label, name] of classNames.entries()) {
    const prefix = below === '' ? name : `${below}/${name}`;
    const { files, odd } = await filesBelow(join(root, prefix));
    for (const file of files) found.push({ path: `${prefix}/${file}`, bytes: 0, label });
    leftOut.push(...odd.map((each) => ({ ...each, name: `${prefix}/${each.name}` })));
  }
  const sizes = await inParallel(found, async ({ path }) =>
    fs.stat(join(root, path)).then(
      ({ size }) => size,
      () => 0, // gone meanwhile: reading it fails
    ),
  );
  return found.map((file, i) => ({ ...file, bytes: sizes[i]! }));
}

/** @throws DatasetError if it has classes that are not trained */
async function testFiles(
  root: string,
  folder: string,
  classNames: readonly string[],
  { classNames: given }: ListingOptions,
  leftOut: LeftOut[],
): Promise<OwnFile[]> {
  const { folders } = await lookInto(join(root, folder));
  const foreign = folders.filter((name) => !classNames.includes(name));
  if (foreign.length > 0 && !given) {
    throw new DatasetError(
      `${join(root, folder)} must have classes of the training folder, but has ${some(foreign)} too`,
    );
  }
  const known = classNames.filter((name) => folders.includes(name));
  const files = await classFiles(root, folder, known, leftOut);
  return files.map((file) => ({ ...file, label: classNames.indexOf(known[file.label]!) }));
}

/** @throws DatasetError if there are neither or both */
function kindOf(root: string, files: readonly OwnFile[]): Listing['kind'] {
  const count = (kind: Listing['kind']) => files.filter(({ path }) => isOf(kind, path)).length;
  const [images, events] = [count('images'), count('events')];
  if (images > 0 !== events > 0) return images > 0 ? 'images' : 'events';
  const known = [...imageExtensions, ...recordingExtensions].join(' ');
  throw new DatasetError(
    images > 0
      ? `${root} must have images or recordings, but has ${images} and ${events}: --recipe own-images or own-events takes one kind`
      : `class folders of ${root} must have files that end in ${known}, but have none`,
  );
}

function checkFilled(
  folder: string,
  files: readonly OwnFile[],
  classNames: readonly string[],
  what: string,
): void {
  const filled = new Set(files.map(({ label }) => label));
  const empty = classNames.filter((_, label) => !filled.has(label));
  if (empty.length === 0) return;
  throw new DatasetError(
    `every class folder of ${folder} must have ${what}, but there is none in ${some(empty)}: --classes names those to take`,
  );
}

/** Of each class a share, one at least if it has two, drawn by the seed and the class's name. */
export function splitFiles<T extends { label: number }>(
  files: readonly T[],
  classNames: readonly string[],
  { split, seed }: Pick<ListingOptions, 'split' | 'seed'>,
): Record<Split, T[]> {
  const held = new Set<T>();
  for (const [label, name] of classNames.entries()) {
    const own = files.filter((file) => file.label === label);
    const count = Math.min(own.length - 1, Math.max(1, Math.round(split * own.length)));
    const order = new Random(seed, 'split', name).permutation(own.length);
    for (const i of order.subarray(0, Math.max(0, count))) held.add(own[i]!);
  }
  return {
    train: files.filter((file) => !held.has(file)),
    test: files.filter((file) => held.has(file)),
  };
}

/** Whether a folder of your own has images or recordings, by its names alone. @throws DatasetError if neither, or both */
export async function kindOfOwnData(root: string): Promise<Listing['kind']> {
  if (await isPacked(root)) return 'images';
  return (await listOwnData(root, { split: 0.1, seed: 0 })).kind;
}
