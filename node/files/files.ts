/** Writes files completely or not at all, and reads files of any size without one giant buffer. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { IDENTITY, processIdentity, stateOfProcess } from './process_identity';

/** The most bytes per write or read call: Node refuses 2 GiB and more. */
const CALL_BYTES = 2 ** 26;
/** Largest ArrayBuffer that `readPieces` makes. */
const PIECE_BYTES = 2 ** 30;
/** A temporary file untouched for an hour was left by a crash. */
const STALE_MS = 3_600_000;

/** A file system error that names the operation; the original is its cause. */
export function fileError(doing: string, cause: unknown): Error {
  const { message } = (cause ?? {}) as Partial<Error>; // In a test, the error is of another realm's class.
  return new Error(`${doing}: ${message ?? cause}`, { cause });
}

export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** Makes a rename survive a power cut, if the platform can sync a directory. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await fs.open(path, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

export async function writeAll(handle: fs.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(CALL_BYTES, bytes.length - done);
    done += (await handle.write(bytes, done, length)).bytesWritten;
  }
}

/** A name next to `path` that identifies the writing process. */
export function temporaryPath(path: string): string {
  const unique = `${processIdentity()}.${randomBytes(4).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.${unique}.tmp`);
}

/**
 * Writes `parts` in order to a temporary file next to `path`, syncs it to disk, and renames it to `path`. Whatever goes
 * wrong, `path` has its old content or all of the new. It removes what killed processes have left. A link stays a link;
 * pipes and devices are written to directly.
 */
export async function writeAtomically(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  let temporary: string | undefined;
  try {
    const stats = await fs.stat(path).catch(() => null);
    const target = stats ? await fs.realpath(path) : path;
    const special = stats !== null && !stats.isFile() && !stats.isDirectory();
    if (!special) {
      await removeStaleTemporaries(dirname(target), (name) => name === basename(target));
      temporary = temporaryPath(target);
    }
    const handle = await fs.open(temporary ?? target, special ? 'w' : 'wx');
    try {
      for (const part of parts) await writeAll(handle, part);
      if (!special) await handle.sync();
    } finally {
      await handle.close();
    }
    if (temporary === undefined) return;
    await fs.rename(temporary, target);
    await syncDirectory(dirname(target));
  } catch (error) {
    if (temporary !== undefined) await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(`cannot write ${path}`, error);
  }
}

const TEMPORARY = new RegExp(`^\\.(.*)\\.(?:(${IDENTITY})|\\d+)\\.[0-9a-f]{8}\\.tmp$`);

/**
 * Removes `temporaryPath`s that killed processes left and whose base name `isMeant` accepts: at once if the process is
 * known to be gone, else (another machine, or version 0.1.0) after an hour.
 */
export async function removeStaleTemporaries(
  directory: string,
  isMeant: (name: string) => boolean,
): Promise<void> {
  for (const name of await fs.readdir(directory)) {
    const [, original, identity] = TEMPORARY.exec(name) ?? [];
    if (original === undefined || !isMeant(original)) continue;
    const state = identity === undefined ? 'unknown' : stateOfProcess(identity);
    const path = join(directory, name);
    if (state === 'alive' || (state === 'unknown' && !(await isOld(path)))) continue;
    await fs.rm(path, { recursive: true, force: true });
  }
}

async function isOld(path: string): Promise<boolean> {
  const stats = await fs.stat(path).catch(() => null);
  return stats !== null && Date.now() - stats.mtimeMs > STALE_MS;
}

/** A file, and how many of its bytes to read. */
export interface SizedFile {
  path: string;
  size: number;
}

/**
 * The bytes of files, one after the other, as buffers of `pieceBytes` each, except for a shorter last one: tfjs
 * misreads lists of buffers of other sizes. See BUGS.md, CompositeArrayBuffer.
 */
export async function readPieces(
  files: readonly SizedFile[],
  pieceBytes = PIECE_BYTES,
): Promise<ArrayBuffer[]> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let left = files.reduce((sum, { size }) => sum + size, 0);
  let filled = 0; // Bytes of the last piece.
  for (const { path, size } of files) {
    const handle = await fs.open(path, 'r');
    try {
      for (let at = 0; at < size; ) {
        let piece = pieces.at(-1);
        if (piece === undefined || filled === piece.length) {
          piece = new Uint8Array(Math.min(pieceBytes, left));
          pieces.push(piece);
          left -= piece.length;
          filled = 0;
        }
        const length = Math.min(CALL_BYTES, piece.length - filled, size - at);
        const { bytesRead } = await handle.read(piece, filled, length, at);
        if (bytesRead === 0) {
          throw new Error(`${path} ended at ${at} of ${size} bytes while being read`);
        }
        at += bytesRead;
        filled += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }
  return pieces.map(({ buffer }) => buffer);
}
