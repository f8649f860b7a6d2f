/**
 * One file from one of several addresses, resumed where a connection broke, whole only when its hash
 * is right: it grows beside its place under the name `FILE.part` and is renamed at the end.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode, fileError } from '../_files';

/** A file's hash as its publisher gives it; MD5 where nothing better is published. */
export interface FileHash {
  algorithm: 'sha256' | 'md5';
  /** In hexadecimal, lower case. */
  digest: string;
}

export interface DownloadOptions {
  hash: FileHash;
  /** The file's size, if it is known before. */
  bytes?: number;
  /** Bytes that are here, of how many there will be (undefined until a server has said so). */
  onProgress?: (done: number, total: number | undefined) => void;
  /** How often in a row a server may fail without sending a byte. Default 4. */
  attempts?: number;
  /** Milliseconds before the second attempt, doubled before each that follows. Default 1000. */
  retryDelay?: number;
  /** Milliseconds without a byte after which a connection is given up. Default 60,000. */
  idleTimeout?: number;
  signal?: AbortSignal;
}

/**
 * Downloads to `path` from the first of `urls` that has the file. What was there of an earlier,
 * interrupted call is kept and continued by an HTTP range.
 *
 * @throws if no address gives the file with that hash, naming each and why
 */
export async function download(
  urls: readonly string[],
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const part = `${path}.part`;
  const reasons: string[] = [];
  await fs.mkdir(dirname(path), { recursive: true });
  for (const url of urls) {
    try {
      const continued = (await sizeOf(part)) > 0;
      let wrong = await fetchChecked(url, part, options);
      // What was continued may have begun as another file: once more, from its beginning.
      if (wrong !== null && continued) wrong = await fetchChecked(url, part, options);
      if (wrong === null) return await fs.rename(part, path);
      reasons.push(`${url} ${wrong}`);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (isDiskError(error)) throw fileError(`cannot write ${part}`, error);
      reasons.push(`${url}: ${messageOf(error)}`);
    }
  }
  const why = reasons.length > 0 ? `:\n${reasons.map((each) => `  ${each}`).join('\n')}` : '';
  throw new Error(`${path} could not be downloaded${why}`);
}

/** Why the file that came is not the one, which is then removed; or null. */
async function fetchChecked(url: string, part: string, options: DownloadOptions) {
  await fetchAll(url, part, options);
  const wrong = await wrongHash(part, options.hash);
  if (wrong !== null) await fs.rm(part, { force: true });
  return wrong;
}

/** Why a file is not the one that the hash names, or null. */
export async function wrongHash(path: string, hash: FileHash): Promise<string | null> {
  const { digest, bytes } = await hashFile(path, hash.algorithm);
  if (digest === hash.digest) return null;
  return `must have ${hash.algorithm} ${hash.digest}, but has ${digest} (${bytes} bytes)`;
}

/** Hash and size of a file of any size. */
export async function hashFile(
  path: string,
  algorithm: FileHash['algorithm'],
): Promise<{ digest: string; bytes: number }> {
  const hash = createHash(algorithm);
  const handle = await fs.open(path);
  const buffer = Buffer.allocUnsafe(2 ** 20);
  let bytes = 0;
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return { digest: hash.digest('hex'), bytes };
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** Fetches until the server says that there is no more, again and again as long as it gets on. */
async function fetchAll(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { attempts = 4, retryDelay = 1000, signal } = options;
  for (let failed = 0; ; ) {
    const before = await sizeOf(part);
    try {
      if (await fetchRest(url, part, before, options)) return;
    } catch (error) {
      signal?.throwIfAborted();
      if (isDiskError(error) || error instanceof Refused) throw error;
      failed = (await sizeOf(part)) > before ? 0 : failed + 1;
      if (failed >= attempts) throw error;
    }
    await pause(retryDelay * 2 ** Math.max(failed - 1, 0), signal);
  }
}

/** The server has answered, and it is no use asking again. */
class Refused extends Error {}

/** One request for what is missing; true when the file is as long as the server says it is. */
async function fetchRest(
  url: string,
  part: string,
  start: number,
  { bytes, onProgress, idleTimeout = 60_000, signal }: DownloadOptions,
): Promise<boolean> {
  const controller = new AbortController();
  const idle = () => {
    controller.abort(new Error(`nothing came for ${idleTimeout / 1000} s`));
  };
  const stop = () => controller.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', stop);
  let timer = setTimeout(idle, idleTimeout);
  let handle: fs.FileHandle | undefined;
  try {
    const response = await fetch(url, {
      headers: start > 0 ? { range: `bytes=${start}-` } : {},
      signal: controller.signal,
    });
    if (response.status === 416) return true; // nothing beyond what is here: the hash will tell
    if (!response.ok || response.body === null) {
      const again = response.status >= 500 || response.status === 429;
      throw new (again ? Error : Refused)(`the server answers ${response.status}`);
    }
    let at = response.status === 206 ? start : 0;
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    const total = bytes ?? (Number.isNaN(length) ? undefined : at + length);
    if (total !== undefined) await checkSpace(part, total - at);
    handle = await fs.open(part, at > 0 ? 'r+' : 'w');
    onProgress?.(at, total);
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(idle, idleTimeout);
      if (bytes !== undefined && at + chunk.length > bytes) {
        throw new Refused(`the file must have ${bytes} bytes, but the server sends more`);
      }
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
      onProgress?.(at, total);
    }
    await handle.sync();
    if (total !== undefined && at < total) throw new Error(`it ends after ${at} of ${total} bytes`);
    return true;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    await handle?.close();
  }
}

/** Fails before the disk is full rather than after. */
async function checkSpace(part: string, needed: number): Promise<void> {
  const { bavail, bsize } = await fs.statfs(dirname(part));
  const free = bavail * bsize;
  if (needed > free) {
    const error = new Error(`${needed} more bytes are needed, but the disk has ${free} left`);
    throw Object.assign(error, { code: 'ENOSPC' });
  }
}

function isDiskError(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EACCES', 'EPERM', 'EROFS', 'EISDIR'].includes(
    errorCode(error) ?? '',
  );
}

async function sizeOf(path: string): Promise<number> {
  return (await fs.stat(path).catch(() => null))?.size ?? 0;
}

/** undici says `fetch failed` or `terminated`, and why in the cause. */
function messageOf(error: unknown): string {
  const { message, cause } = error as Error;
  const deeper = (cause as Error | undefined)?.message;
  return deeper ? `${message} (${deeper})` : message;
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop);
  });
}
