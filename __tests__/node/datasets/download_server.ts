/** A server of one file, whose answers a test chooses, and where its downloads go. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { DownloadOptions } from '../../../node/datasets/download';
import { temporaryDirectory } from '../../support/process';

export const file = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3));
export const quick: DownloadOptions = {
  hash: { algorithm: 'sha256', digest: createHash('sha256').update(file).digest('hex') },
  retryDelay: 1,
  attempts: 3,
  idleTimeout: 60_000,
};

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export const startOf = ({ headers }: IncomingMessage) =>
  Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);

/** An honest server with ranges. */
export const honest: Handler = (request, response) => {
  const start = startOf(request);
  if (start >= file.length) return void response.writeHead(416).end();
  const range =
    start > 0 ? { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': file.length - start, ...range });
  response.end(file.subarray(start));
};

/** Sends bytes without end. */
export const endless: Handler = (_, response) => {
  const more = () => response.destroyed || response.write(Buffer.alloc(65_536), more);
  more();
};

/** Serves while the tests of a file run; each has a path of its own. */
export class DownloadServer {
  handler: Handler = honest;
  /** The ranges asked for in this test. */
  requests: (string | undefined)[] = [];
  url = '';
  /** Where this test downloads to. */
  path = '';

  constructor() {
    const directory = temporaryDirectory();
    const server = createServer((request, response) => {
      this.requests.push(request.headers.range);
      this.handler(request, response, this.requests.length);
    });
    beforeAll(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });
    let count = 0;
    beforeEach(() => {
      this.requests = [];
      this.path = join(directory, `file${count++}`);
    });
  }

  /** Once so many bytes are on disk, or never: fetch drops what it had not handed out. */
  breakOff(response: ServerResponse, bytes: number): void {
    const size = statSync(`${this.path}.part`, { throwIfNoEntry: false })?.size ?? 0;
    if (size >= bytes) response.destroy();
    else if (!response.destroyed) setTimeout(() => this.breakOff(response, bytes), 5);
  }

  /** Sends so much of what is asked for, and breaks off. */
  dropping(bytes: number): Handler {
    return (request, response) => {
      const start = startOf(request);
      if (start + bytes >= file.length) return honest(request, response, 0);
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': file.length - start });
      response.write(file.subarray(start, start + bytes));
      this.breakOff(response, start + bytes);
    };
  }
}
