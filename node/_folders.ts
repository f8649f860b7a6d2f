/** What lies in folders, links followed: names sorted as Python sorts them, by code points, without those that begin with a dot. */
import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../datasets/dataset_error';
import { fileError } from './_files';

/** What an entry is, a link being what it leads to; undefined: to nothing. */
async function kindOf(folder: string, entry: Dirent): Promise<'folder' | 'file' | undefined> {
  if (entry.isDirectory()) return 'folder';
  if (!entry.isSymbolicLink()) return 'file';
  const stats = await fs.stat(join(folder, entry.name)).catch(() => undefined);
  return stats && (stats.isDirectory() ? 'folder' : 'file');
}

/** Whether it is a file, or a link to one. @throws DatasetError if it is a link to nothing */
export async function isFile(folder: string, entry: Dirent): Promise<boolean> {
  const kind = await kindOf(folder, entry);
  if (kind === undefined) throw linkToNothing(join(folder, entry.name));
  return kind === 'file';
}

const linkToNothing = (path: string) => new DatasetError(`${path} is a link to nothing`);

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch((error) => {
    throw fileError(`cannot list ${folder}`, error);
  });
  return entries
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/** Names of the folders in a folder. */
export async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entriesOf(folder)) {
    if ((await kindOf(folder, entry)) === 'folder') names.push(entry.name);
  }
  return names;
}

/**
 * Paths, from `folder` on, of all files in it and in the folders below: each folder's own files first. A link back to a
 * folder that it lies in is not followed.
 *
 * @throws DatasetError if a link leads to nothing
 */
export async function filesBelow(folder: string): Promise<string[]> {
  const walk = async (below: string, outer: readonly string[]): Promise<string[]> => {
    const here = join(folder, below);
    const real = await fs.realpath(here).catch((error) => {
      throw fileError(`cannot list ${here}`, error);
    });
    if (outer.includes(real)) return [];
    const [files, folders]: string[][] = [[], []];
    for (const entry of await entriesOf(here)) {
      const kind = await kindOf(here, entry);
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (kind === undefined) throw linkToNothing(join(here, entry.name));
      (kind === 'folder' ? folders : files).push(path);
    }
    const inner: string[] = [];
    for (const path of folders) inner.push(...(await walk(path, [...outer, real])));
    return [...files, ...inner];
  };
  return walk('', []);
}
