/** Lists folders, following links: names sorted by code points, as in Python, without those that begin with a dot. */
import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../../datasets/dataset_error';
import { errorCode, fileError } from './files';

/**
 * The kind of an entry; a link counts as its target.
 *
 * @throws DatasetError if it is neither a file nor a folder
 */
async function kindOf(folder: string, entry: Dirent): Promise<'folder' | 'file'> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isFile()) return 'file';
  const path = join(folder, entry.name);
  const stats = await fs.stat(path).catch((error) => {
    const nothing = ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '');
    throw nothing
      ? new DatasetError(`${path} is a broken link`)
      : fileError(`cannot read ${path}`, error);
  });
  if (stats.isDirectory()) return 'folder';
  if (stats.isFile()) return 'file';
  throw new DatasetError(`${path} must be a file or a folder, but is neither`);
}

/**
 * Whether it is a file, or a link to one.
 *
 * @throws DatasetError if it is a broken link
 */
export async function isFile(folder: string, entry: Dirent): Promise<boolean> {
  return (await kindOf(folder, entry)) === 'file';
}

/** The order of code points, as Python sorts. */
export const byCodePoints = (a: string, b: string) =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Entries of a folder, sorted, without those that begin with a dot. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch((error) => {
    throw fileError(`cannot list ${folder}`, error);
  });
  return entries
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => byCodePoints(a.name, b.name));
}

/**
 * Names of the folders in a folder.
 *
 * @throws DatasetError on a broken link, which may have been a folder
 */
export async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entriesOf(folder)) {
    if ((await kindOf(folder, entry)) === 'folder') names.push(entry.name);
  }
  return names;
}

/**
 * Paths below `folder` of all files in it and its subfolders, in torchvision's order: the files of a folder are
 * together, and folders are sorted by path. A link back to an enclosing folder is not followed.
 *
 * @throws DatasetError on a broken link
 */
export async function filesBelow(folder: string): Promise<string[]> {
  const files = new Map<string, string[]>();
  const walk = async (below: string, outer: readonly string[]): Promise<void> => {
    const here = join(folder, below);
    const real = await fs.realpath(here).catch((error) => {
      throw fileError(`cannot list ${here}`, error);
    });
    if (outer.includes(real)) return;
    const own: string[] = [];
    files.set(below, own);
    for (const entry of await entriesOf(here)) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if ((await kindOf(here, entry)) === 'file') own.push(path);
      else await walk(path, [...outer, real]);
    }
  };
  await walk('', []);
  return [...files.keys()].sort(byCodePoints).flatMap((below) => files.get(below)!);
}
