/** All files of a folder that may hold anything: each real folder once, so that links cannot lead round or multiply. */
import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetError } from '../../../datasets/dataset_error';
import { byCodePoints, entriesOf } from '../../files/folders';

/** Most files of a data set, and folders that are looked into. */
const MOST_FILES = 2 ** 21;
const MOST_FOLDERS = 2 ** 17;

/** What is there: paths below the folder, `/` between names. */
export interface Found {
  files: string[];
  /** What is neither file nor folder, or cannot be looked at: path and reason. */
  odd: { name: string; reason: string }[];
}

/** What an entry is, links followed; a reason if it is neither file nor folder. */
async function kindOf(
  path: string,
  entry: Dirent,
): Promise<'file' | 'folder' | { reason: string }> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isFile()) return 'file';
  const stats = await fs.stat(path).catch(() => null);
  if (stats === null) return { reason: 'it is a link to nothing' };
  if (stats.isDirectory()) return 'folder';
  return stats.isFile() ? 'file' : { reason: 'it is neither file nor folder' };
}

/** The folders, the files and what is odd directly in a folder. */
export async function lookInto(folder: string): Promise<Found & { folders: string[] }> {
  const found = { folders: [] as string[], files: [] as string[], odd: [] as Found['odd'] };
  for (const entry of await entriesOf(folder)) {
    const kind = await kindOf(join(folder, entry.name), entry);
    if (kind === 'folder') found.folders.push(entry.name);
    else if (kind === 'file') found.files.push(entry.name);
    else found.odd.push({ name: entry.name, ...kind });
  }
  return found;
}

/**
 * The files in a folder and below, sorted.
 * @throws DatasetError if there are more than two million files, or more than 131,072 folders
 */
export async function filesBelow(folder: string): Promise<Found> {
  const all: Found = { files: [], odd: [] };
  const seen = new Set<string>();
  const waiting = [''];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    const here = join(folder, below);
    const prefix = below === '' ? '' : `${below}/`;
    try {
      const real = await fs.realpath(here);
      if (seen.has(real)) continue;
      seen.add(real);
      const { folders, files, odd } = await lookInto(here);
      for (const name of files) all.files.push(prefix + name);
      for (const { name, reason } of odd) all.odd.push({ name: prefix + name, reason });
      for (const name of folders.reverse()) waiting.push(prefix + name);
    } catch (error) {
      all.odd.push({ name: below, reason: (error as Error).message });
    }
    if (all.files.length > MOST_FILES || seen.size + waiting.length > MOST_FOLDERS) {
      throw new DatasetError(
        `${folder} must have at most ${MOST_FILES} files in ${MOST_FOLDERS} folders, but has more`,
      );
    }
  }
  all.files.sort(byCodePoints);
  return all;
}
