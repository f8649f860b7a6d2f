/** Unpacks a zip, tar.gz or gz of any size, and hashes each file on its way to disk. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { openPromise } from 'yauzl';
import { fileError, writeAll } from '../files/files';

/** The written files, by path below the folder. */
export type UnpackedFiles = Record<string, { bytes: number; sha256: string }>;

/**
 * Where a file of the archive goes below the folder; null: skip it. This is also the security check: its result is
 * trusted, names in an archive are not.
 */
export type Placement = (pathInArchive: string) => string | null;

/** Unpacks the files that `place` accepts, and calls `onFile` for each. The archive's name determines its kind. */
export async function unpack(
  archive: string,
  folder: string,
  place: Placement,
  onFile?: (path: string, count: number) => void,
): Promise<UnpackedFiles> {
  const files: UnpackedFiles = {};
  let count = 0;
  const take = async (path: string, stream: AsyncIterable<Uint8Array>) => {
    if (Object.hasOwn(files, path)) throw new Error(`${archive} holds two files for ${path}`);
    files[path] = await writeStream(join(folder, path), stream);
    onFile?.(path, ++count);
  };
  try {
    if (archive.endsWith('.zip')) await unpackZip(archive, place, take);
    else if (archive.endsWith('.tar.gz')) await unpackTar(archive, place, take);
    else {
      const name = archive.replace(/^.*[\\/]/, '').replace(/\.gz$/, '');
      const path = place(name);
      if (path !== null) await unpackGzip(archive, path, take);
    }
  } catch (error) {
    throw await unpackError(archive, error);
  }
  return files;
}

/** An error that names the archive, and tells whether it is truncated. */
async function unpackError(archive: string, error: unknown): Promise<unknown> {
  const { message = '' } = (error ?? {}) as Partial<Error>;
  if (message.includes(archive) || message.startsWith('cannot write ')) return error;
  const size = await fs.stat(archive).then(
    (stats) => stats.size,
    () => null,
  );
  if (size === null) return fileError(`cannot read ${archive}`, error);
  const cut = /unexpected end of file|truncated|central directory|ends? early/i.test(message);
  const why = cut ? 'it is truncated' : 'it is damaged';
  return fileError(`cannot unpack ${archive}: ${why} (${size} bytes)`, error);
}

async function unpackGzip(archive: string, path: string, take: Take): Promise<void> {
  const source = createReadStream(archive);
  const gunzip = createGunzip();
  gunzip.on('error', () => undefined); // The reader receives the error, perhaps after it occurs.
  source.on('error', (error) => gunzip.destroy(error));
  try {
    await take(path, source.pipe(gunzip));
  } finally {
    source.destroy();
  }
}

type Take = (path: string, stream: AsyncIterable<Uint8Array>) => Promise<void>;

async function unpackZip(archive: string, place: Placement, take: Take): Promise<void> {
  const zip = await openPromise(archive, { autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      const path = entry.fileName.endsWith('/') ? null : place(entry.fileName);
      if (path !== null) await take(path, await zip.openReadStreamPromise(entry));
    }
  } finally {
    zip.close();
  }
}

async function unpackTar(archive: string, place: Placement, take: Take): Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let current: ReadEntry | undefined;
  const source = createReadStream(archive);
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown) => {
      source.destroy(); // Also the entry, so that its file is closed.
      current?.destroy(error);
      reject(error);
    };
    const parser = new Parser({
      strict: true, // Damage is an error, not a warning.
      onReadEntry: (entry) => {
        const path = entry.type === 'File' || entry.type === 'OldFile' ? place(entry.path) : null;
        if (path === null) entry.resume();
        else {
          current = entry.on('error', () => undefined); // The reader receives the error.
          last = last.then(() => take(path, entry as AsyncIterable<Buffer>));
          last.catch(fail);
        }
      },
    });
    source.on('error', fail);
    parser.on('error', fail);
    parser.on('end', () => last.then(resolve, fail));
    source.pipe(parser as unknown as NodeJS.WritableStream);
  });
}

async function writeStream(
  path: string,
  stream: AsyncIterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  await fs.mkdir(dirname(path), { recursive: true });
  const hash = createHash('sha256');
  const failed = (error: unknown) => {
    throw fileError(`cannot write ${path}`, error);
  };
  const handle = await fs.open(path, 'wx');
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      hash.update(chunk);
      await writeAll(handle, chunk).catch(failed);
      bytes += chunk.length;
    }
    await handle.sync().catch(failed);
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}
