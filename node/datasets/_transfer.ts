/**
 * Downloads the missing part of a file with one HTTP request. It never takes more than the file may have, never stays
 * too slow, and never accepts a web page instead of the file.
 */
import fs from 'node:fs/promises';
import { dirname } from 'node:path';

export interface TransferOptions {
  /** The file's size, if known in advance. */
  bytes?: number;
  /** Otherwise: the largest size it may have. */
  maxBytes: number;
  /** Called with the bytes present and their total (undefined until a server has stated it). */
  onProgress?: (done: number, total: number | undefined) => void;
  /** The time in ms within which `leastBytes` must arrive, repeatedly. */
  idleTimeout: number;
  leastBytes: number;
  signal?: AbortSignal;
}

/** The server's answer is final; asking again is useless. */
export class Refused extends Error {}

/**
 * Appends to `part` what `url` has beyond its end.
 *
 * @throws Refused if this address does not have the file; another error if a retry may help
 */
export async function transfer(url: string, part: string, options: TransferOptions): Promise<void> {
  const { bytes, onProgress, signal } = options;
  const most = bytes ?? options.maxBytes;
  const start = (await fs.stat(part).catch(() => null))?.size ?? 0;
  signal?.throwIfAborted();
  const watch = watchRate(options);
  const stop = () => watch.abort(signal?.reason);
  signal?.addEventListener('abort', stop);
  let handle: fs.FileHandle | undefined;
  let spoiled = false;
  try {
    const response = await fetch(url, {
      // If a file is compressed in transit, neither length nor ranges are the file's.
      headers: { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) },
      signal: watch.signal,
    });
    if (response.status === 416 && start > 0) {
      if (start === (rangeOf(response).total ?? bytes ?? start)) return; // Its hash will show.
      spoiled = true; // Longer than the server's, or of another file.
      throw new Error(`the server has nothing beyond the ${start} bytes already here (416)`);
    }
    if (!response.ok || response.body === null) {
      const again = response.status >= 500 || [408, 425, 429].includes(response.status);
      throw new (again ? Error : Refused)(`the server answers ${response.status}`);
    }
    let { at, total } = sizesOf(response, start);
    if (at > start)
      throw new Refused(`the server was asked for bytes from ${start}, but sends those from ${at}`);
    if (total !== undefined && (total > most || total < (bytes ?? 0))) {
      throw new Refused(`the file must have ${sizeText(options)}, but has ${total} on the server`);
    }
    total ??= bytes;
    if (total !== undefined) await checkSpace(part, total - at);
    onProgress?.(at, total);
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      watch.arrived(chunk.length);
      if (at === 0) checkNoPage(response, chunk);
      handle ??= await fs.open(part, at > 0 ? 'r+' : 'w');
      if (at + chunk.length > most) {
        spoiled = true;
        throw new Refused(`the file must have ${sizeText(options)}, but the server sends more`);
      }
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
      onProgress?.(at, total);
    }
    handle ??= await fs.open(part, 'a'); // of an empty file
    await handle.sync();
    if (total !== undefined && at < total)
      throw new Error(`the download ends after ${at} of ${total} bytes`);
  } finally {
    watch.end();
    signal?.removeEventListener('abort', stop);
    await handle?.close();
    if (spoiled) await fs.rm(part, { force: true });
  }
}

const sizeText = ({ bytes, maxBytes }: TransferOptions) =>
  bytes === undefined ? `${maxBytes} bytes at most` : `${bytes} bytes`;

/** Aborts a connection that delivers less than `leastBytes` within an `idleTimeout`. */
function watchRate({ idleTimeout, leastBytes }: TransferOptions) {
  const controller = new AbortController();
  let came = 0;
  const timer = setInterval(() => {
    const amount = came === 0 ? 'nothing' : `only ${came} bytes`;
    if (came < leastBytes) {
      controller.abort(new Error(`${amount} arrived within ${idleTimeout / 1000} s`));
    }
    came = 0;
  }, idleTimeout);
  return {
    signal: controller.signal,
    abort: (reason: unknown) => controller.abort(reason),
    arrived(bytes: number) {
      came += bytes;
    },
    end: () => clearInterval(timer),
  };
}

/** The content of a `Content-Range` header; for a refused range, only the total. */
function rangeOf({ headers }: Response): { from?: number; total?: number } {
  const [, from, total] =
    /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  const number = (text?: string) => (/^\d+$/.test(text ?? '') ? Number(text) : undefined);
  return { from: number(from), total: number(total) };
}

/** Where the answer begins, and how long the whole file is, as far as the server states it. */
function sizesOf(response: Response, start: number): { at: number; total: number | undefined } {
  const partly = response.status === 206;
  const { from = start, total } = partly ? rangeOf(response) : { from: 0 };
  const length = response.headers.get('content-length');
  const encoded = (response.headers.get('content-encoding') ?? 'identity') !== 'identity';
  const known = !encoded && /^\d+$/.test(length ?? '');
  return { at: from, total: total ?? (known ? from + Number(length) : undefined) };
}

/** Detects a login page or an error page sent with status 200. */
function checkNoPage({ headers }: Response, first: Uint8Array): void {
  const type = headers.get('content-type') ?? 'no type';
  const text = Buffer.from(first.subarray(0, 400)).toString('latin1').trim();
  if (/^<(!doctype|html|head|body|\?xml)/i.test(text) || (/html/i.test(type) && text[0] === '<')) {
    const begin = JSON.stringify(text.slice(0, 60));
    throw new Refused(`the server sends a web page (${type}) instead of the file: ${begin}`);
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
