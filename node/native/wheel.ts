/**
 * Unpacks selected files of a Python wheel, a zip archive, as a stream: TensorFlow's largest file has 800 MB. Nothing
 * is written outside the folder: a link, or a name that leads out of it, is refused before the first file is written.
 * The caller verifies the archive's hash.
 */
import { createWriteStream } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { fileError } from '../files/files';

const FILE_TYPE = 0o170000;
const SYMBOLIC_LINK = 0o120000;

/**
 * Writes the files that `wanted` selects below `folder`, under their names in the archive.
 * @param onProgress called with the bytes written and the total
 * @throws if the file is not a zip archive, is damaged, or holds a file larger or smaller than stated
 */
export async function unpackWheel(
  path: string,
  folder: string,
  wanted: (name: string) => boolean,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<string[]> {
  // Names are decoded here: yauzl would treat a backslash as a slash.
  const options = { autoClose: false, decodeStrings: false };
  const zip = await openPromise(path, options).catch((error) => {
    throw fileError(`${path} is not a wheel`, error);
  });
  try {
    const all = await entriesOf(zip, path);
    const chosen = all.filter(({ name }) => !name.endsWith('/') && wanted(name));
    const total = chosen.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
    let done = 0;
    for (const { name, entry } of chosen) {
      const failed = (error: unknown): never => {
        throw fileError(`cannot unpack ${name} of ${path}`, error);
      };
      const target = join(folder, name);
      await fs.mkdir(dirname(target), { recursive: true });
      const content = await zip.openReadStreamPromise(entry).catch(failed);
      const counted = read(content, failed, (bytes) => {
        done += bytes;
        onProgress(done, total);
      });
      await pipeline(counted, createWriteStream(target, { flags: 'wx' }));
    }
    return chosen.map(({ name }) => name);
  } finally {
    zip.close();
  }
}

/** All entries of the archive, with every name checked. */
async function entriesOf(zip: ZipFile, path: string): Promise<{ name: string; entry: Entry }[]> {
  const entries: Entry[] = [];
  try {
    for await (const entry of zip.eachEntry()) entries.push(entry);
  } catch (error) {
    throw fileError(`${path} is damaged`, error);
  }
  return entries.map((entry) => {
    const name = entry.fileNameRaw.toString('utf8');
    checkName(name, path);
    if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === SYMBOLIC_LINK) {
      throw new Error(`${path} holds a link, ${JSON.stringify(name)}, which is not allowed`);
    }
    return { name, entry };
  });
}

/** Names must be relative, with `/` between valid parts. */
function checkName(name: string, path: string): void {
  const parts = name.replace(/\/$/, '').split('/');
  if (parts.some((part) => ['', '.', '..'].includes(part) || /[\\\0:]/.test(part))) {
    throw new Error(
      `${path} holds a file whose path leads out of the target folder, ${JSON.stringify(name)}: ` +
        'the archive is refused',
    );
  }
}

/** The content of a stream, counted; its errors go to `failed`, unlike those of the writer. */
async function* read(
  stream: Readable,
  failed: (error: unknown) => never,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) {
      onBytes(chunk.length);
      yield chunk;
    }
  } catch (error) {
    failed(error);
  }
}
