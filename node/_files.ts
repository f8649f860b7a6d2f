/** Files written whole or not at all, and files of any size read without one giant buffer. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** One write or read call handles at most this much: Node refuses 2 GiB and more. */
const CALL_BYTES = 2 ** 26;
/** Largest ArrayBuffer that `readPieces` makes. */
const PIECE_BYTES = 2 ** 30;
/** A temporary file that nobody has written to for an hour was left by a crash. */
const STALE_MS = 3_600_000;

/** A file system error that says what was being done; the original is its cause. */
export function fileError(doing: string, cause: unknown): Error {
  return new Error(`${doing}: ${cause instanceof Object ? (cause as Error).message : cause}`, {
    cause,
  });
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

async function writeAll(handle: fs.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(CALL_BYTES, bytes.length - done);
    done += (await handle.write(bytes, done, length)).bytesWritten;
  }
}

/**
 * Writes `parts`, one after the other, to a temporary file beside `path`, syncs it to the disk and
 * renames it to `path`. Whatever goes wrong, `path` holds its old content or all of the new.
 */
export async function writeAtomically(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const directory = dirname(path);
  const unique = `${process.pid}.${randomBytes(4).toString('hex')}`;
  const temporary = join(directory, `.${basename(path)}.${unique}.tmp`);
  try {
    const handle = await fs.open(temporary, 'wx');
    try {
      for (const part of parts) await writeAll(handle, part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(`cannot write ${path}`, error);
  }
  await syncDirectory(directory);
}

/** Removes what crashed calls of `writeAtomically` left of files whose names begin with `stem`. */
export async function removeStaleTemporaries(directory: string, stem: string): Promise<void> {
  for (const name of await fs.readdir(directory)) {
    if (!(name.startsWith(`.${stem}.`) && /\.\d+\.[0-9a-f]{8}\.tmp$/.test(name))) continue;
    const path = join(directory, name);
    const stats = await fs.stat(path).catch(() => null);
    if (stats && Date.now() - stats.mtimeMs > STALE_MS) await fs.rm(path, { force: true });
  }
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
