/**
 * Downloads a file from one of several addresses, and resumes where a connection broke. The file grows next to its
 * place as `FILE.part`, and is renamed once its hash is right.
 */
import fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode, fileError } from '../files/files';
import { hashFile } from '../files/hash';
import { Refused, transfer } from './_transfer';

/** A file's hash as its publisher states it; MD5 if nothing better is published. */
export interface FileHash {
  algorithm: 'sha256' | 'md5';
  /** In hexadecimal, lower case. */
  digest: string;
}

export interface DownloadOptions {
  hash: FileHash;
  /** The file's size, if known in advance. */
  bytes?: number;
  /** Otherwise: the largest size it may have. Default 2^32. */
  maxBytes?: number;
  /** Called with the bytes present and their total (undefined until a server has stated it). */
  onProgress?: (done: number, total: number | undefined) => void;
  /** How many times in a row a server may fail without reaching `minRate`. Default 4. */
  attempts?: number;
  /** Delay before the second attempt in ms; it doubles with each further one. Default 1000. */
  retryDelay?: number;
  /** The time in ms within which `minRate` must be reached, repeatedly. Default 30,000. */
  idleTimeout?: number;
  /** Bytes per second; a connection that delivers less over an `idleTimeout` is aborted. Default 1000. */
  minRate?: number;
  signal?: AbortSignal;
}

/**
 * Downloads to `path` from the first of `urls` that has the file. It continues what an earlier, interrupted call left,
 * by an HTTP range.
 *
 * @throws if no address has the file with that hash; the error names each address and the reason
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
      // The part may belong to another file: once more, from the beginning.
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

/** Why the received file is wrong, in which case it is removed; or null. */
async function fetchChecked(url: string, part: string, options: DownloadOptions) {
  await fetchAll(url, part, options);
  const wrong = await wrongHash(part, options.hash);
  if (wrong === null) return null;
  const text = await shortText(part);
  await fs.rm(part, { force: true });
  return text === null ? wrong : `${wrong}, and says ${text}`;
}

/** The content of a short text file: most likely a message from the server. */
async function shortText(path: string): Promise<string | null> {
  if ((await sizeOf(path)) > 4096) return null;
  const text = await fs.readFile(path, 'utf8');
  const readable = !text.includes('\ufffd') && /^[\P{C}\s]+$/u.test(text);
  return readable ? JSON.stringify(text.slice(0, 200)) : null;
}

/** Why a file does not match the hash, or null. */
export async function wrongHash(path: string, hash: FileHash): Promise<string | null> {
  const { digest, bytes } = await hashFile(path, hash.algorithm);
  if (digest === hash.digest) return null;
  return `must have ${hash.algorithm} ${hash.digest}, but has ${digest} (${bytes} bytes)`;
}

/** Fetches until the file is complete, as long as attempts make progress. */
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

/** undici reports `fetch failed` or `terminated`, and the reason in the cause. */
function messageOf(error: unknown): string {
  const { message, cause } = error as Error;
  const deeper = (cause as Error | undefined)?.message;
  return deeper ? `${message} (${deeper})` : message;
}
