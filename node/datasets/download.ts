/**
 * One file from one of several addresses, resumed where a connection broke, whole only when its hash
 * is right: it grows beside its place under the name `FILE.part` and is renamed at the end.
 */
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode, fileError } from '../files/files';
import { hashFile } from '../files/hash';
import { Refused, transfer } from './_transfer';

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
  /** If not: the largest that it may be. Default 2^32. */
  maxBytes?: number;
  /** Bytes that are here, of how many there will be (undefined until a server has said so). */
  onProgress?: (done: number, total: number | undefined) => void;
  /** How often in a row a server may fail before it has sent what `minRate` asks for. Default 4. */
  attempts?: number;
  /** Milliseconds before the second attempt, doubled before each that follows. Default 1000. */
  retryDelay?: number;
  /** Milliseconds in which `minRate` must be reached, again and again. Default 30,000. */
  idleTimeout?: number;
  /** Bytes per second: a connection that brings fewer in an `idleTimeout` is given up. Default 1000. */
  minRate?: number;
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
  if (wrong === null) return null;
  const text = await shortText(part);
  await fs.rm(part, { force: true });
  return text === null ? wrong : `${wrong}, and says ${text}`;
}

/** What a short file of text says: a message of the server, most likely. */
async function shortText(path: string): Promise<string | null> {
  if ((await sizeOf(path)) > 4096) return null;
  const text = await fs.readFile(path, 'utf8');
  const readable = !text.includes('\ufffd') && /^[\P{C}\s]+$/u.test(text);
  return readable ? JSON.stringify(text.slice(0, 200)) : null;
}

/** Why a file is not the one that the hash names, or null. */
export async function wrongHash(path: string, hash: FileHash): Promise<string | null> {
  const { digest, bytes } = await hashFile(path, hash.algorithm);
  if (digest === hash.digest) return null;
  return `must have ${hash.algorithm} ${hash.digest}, but has ${digest} (${bytes} bytes)`;
}

/** Fetches until the file is whole, again and again as long as it gets on. */
async function fetchAll(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { attempts = 4, retryDelay = 1000, signal, maxBytes = 2 ** 32 } = options;
  const { idleTimeout = 30_000, minRate = 1000 } = options;
  const leastBytes = Math.max(1, Math.ceil((minRate * idleTimeout) / 1000));
  let most = await sizeOf(part);
  for (let failed = 0; ; ) {
    try {
      return await transfer(url, part, { ...options, maxBytes, idleTimeout, leastBytes });
    } catch (error) {
      signal?.throwIfAborted();
      if (isDiskError(error) || error instanceof Refused) throw error;
      const size = await sizeOf(part);
      failed = size >= most + leastBytes ? 0 : failed + 1;
      most = Math.max(most, size);
      if (failed >= attempts) throw error;
    }
    await pause(retryDelay * 2 ** Math.max(failed - 1, 0), undefined, { signal });
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
