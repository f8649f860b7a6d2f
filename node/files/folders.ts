/** What lies in folders, links followed: names sorted as Python sorts them, by code points, without those that begin with a dot. */
import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../../datasets/dataset_error';
import { errorCode, fileError } from './files';

/** What an entry is, a link being what it leads to. @throws DatasetError if that is neither file nor folder */
async function kindOf(folder: string, entry: Dirent): Promise<'folder' | 'file'> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isFile()) return 'file';
  const path = join(folder, entry.name);
  const stats = await fs.stat(path).catch((error) => {
    const nothing = ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '');
    throw nothing
      ? new DatasetError(`${path} is a link to nothing`)
      : fileError(`cannot read ${path}`, error);
  });
  if (stats.isDirectory()) return 'folder';
  if (stats.isFile()) return 'file';
  throw new DatasetError(`${path} must be a file or a folder, but is neither`);
}

/** Whether it is a file, or a link to one. @throws DatasetError if it is a link to nothing */
export async function isFile(folder: string, entry: Dirent): Promise<boolean> {
  return (await kindOf(folder, entry)) === 'file';
}

const byCodePoints = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch((error) => {
    throw fileError(`cannot list ${folder}`, error);
  });
  return entries
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => byCodePoints(a.name, b.name));
}

/** Names of the folders in a folder. @throws DatasetError if a link leads to nothing: it may be one of them */
export async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entriesOf(folder)) {
    if ((await kindOf(folder, entry)) === 'folder') names.push(entry.name);
  }
  return names;
}

/**
 * Paths, from `folder` on, of all files in it and in the folders below, in torchvision's order: a folder's own files are
 * together, and folders are sorted by their paths. A link back to a folder that it lies in is not followed.
 *
 * @throws DatasetError if a link leads to nothing
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
