/** Files written whole or not at all, and files of any size read without one giant buffer. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { IDENTITY, processIdentity, stateOfProcess } from './process_identity';

/** One write or read call handles at most this much: Node refuses 2 GiB and more. */
const CALL_BYTES = 2 ** 26;
/** Largest ArrayBuffer that `readPieces` makes. */
const PIECE_BYTES = 2 ** 30;
/** A temporary file that nobody has written to for an hour was left by a crash. */
const STALE_MS = 3_600_000;

/** A file system error that says what was being done; the original is its cause. */
export function fileError(doing: string, cause: unknown): Error {
  const { message } = (cause ?? {}) as Partial<Error>; // in a test it is of another realm's class
  return new Error(`${doing}: ${message ?? cause}`, { cause });
}

export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** Makes a rename last through a power cut, where the platform can sync a directory. */
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

/** A name beside `path` that says which process writes there. */
export function temporaryPath(path: string): string {
  const unique = `${processIdentity()}.${randomBytes(4).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.${unique}.tmp`);
}

/**
 * Writes `parts`, one after the other, to a temporary file beside `path`, syncs it to the disk and
 * renames it to `path`. Whatever goes wrong, `path` holds its old content or all of the new. What
 * killed processes have left of it is removed. A link stays one; a pipe or device is written to.
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
 * Removes what killed processes left of `temporaryPath`s whose own name `isMeant` takes: at once if the
 * process is known to be gone, else (of another machine, or of 0.1.0) after an hour.
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

/** A file of which so many bytes are wanted. */
export interface SizedFile {
  path: string;
  size: number;
}

/**
 * The bytes of files, one after the other, as buffers of `pieceBytes` each, the last of them of what
 * is left: tfjs misreads lists of buffers of other sizes. See BUGS.md, CompositeArrayBuffer.
 */
export async function readPieces(
  files: readonly SizedFile[],
  pieceBytes = PIECE_BYTES,
): Promise<ArrayBuffer[]> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let left = files.reduce((sum, { size }) => sum + size, 0);
  let filled = 0; // bytes of the last piece
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
