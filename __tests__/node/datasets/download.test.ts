/** Downloads from servers that drop connections, lie about lengths, ignore ranges or serve other files. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type DownloadOptions, download } from '../../../node/datasets/download';
import { temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();
const file = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const quick: DownloadOptions = {
  hash: { algorithm: 'sha256', digest: sha256(file) },
  retryDelay: 1,
  attempts: 3,
  idleTimeout: 60_000,
};

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;
let server: Server;
let handler: Handler;
let requests: (string | undefined)[];
let count = 0;
let url: string;
let path: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.headers.range);
    handler(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = [];
  path = join(directory, `file${count++}`);
});
afterEach(() => jest.restoreAllMocks());

const startOf = ({ headers }: IncomingMessage) =>
  Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);

/** An honest server with ranges. */
const honest: Handler = (request, response) => {
  const start = startOf(request);
  if (start >= file.length) return void response.writeHead(416).end();
  const range =
    start > 0 ? { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': file.length - start, ...range });
  response.end(file.subarray(start));
};

/** Once so many bytes are on disk, or never: fetch drops what it had not handed out. */
function breakOff(response: ServerResponse, bytes: number): void {
  const size = statSync(`${path}.part`, { throwIfNoEntry: false })?.size ?? 0;
  if (size >= bytes) response.destroy();
  else if (!response.destroyed) setTimeout(() => breakOff(response, bytes), 5);
}

/** Sends so much of what is asked for, and breaks off. */
const dropping =
  (bytes: number): Handler =>
  (request, response) => {
    const start = startOf(request);
    if (start + bytes >= file.length) return honest(request, response, 0);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': file.length - start });
    response.write(file.subarray(start, start + bytes));
    breakOff(response, start + bytes);
  };

test('a file arrives whole, with progress, and leaves nothing beside it', async () => {
  handler = honest;
  const seen: (readonly [number, number | undefined])[] = [];
  const onProgress = (done: number, total: number | undefined) => void seen.push([done, total]);
  await download([url], path, { ...quick, onProgress });
  expect(readFileSync(path).equals(file)).toBe(true);
  expect(existsSync(`${path}.part`)).toBe(false);
  expect(seen[0]).toEqual([0, file.length]);
  expect(seen.at(-1)).toEqual([file.length, file.length]);
});

test('a dropped connection is resumed where it broke, as often as it gets on', async () => {
  handler = dropping(40_000);
  await download([url], path, { ...quick, attempts: 50 }); // amid other work, not all may arrive in time
  expect(readFileSync(path).equals(file)).toBe(true);
  expect(requests.length).toBeGreaterThan(5);
  expect(requests.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
});

test('an interrupted download goes on in the next call', async () => {
  handler = dropping(100_000);
  const controller = new AbortController();
  const stop = (done: number) => done >= 100_000 && controller.abort(new Error('stopped'));
  const interrupted = download([url], path, {
    ...quick,
    onProgress: stop,
    signal: controller.signal,
  });
  await expect(interrupted).rejects.toThrow('stopped');
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(`${path}.part`).length).toBeGreaterThanOrEqual(100_000);
  handler = honest;
  requests = [];
  await download([url], path, quick);
  expect(requests[0]).toMatch(/^bytes=[1-9]/);
  expect(readFileSync(path).equals(file)).toBe(true);
});

test('a server that ignores ranges begins anew', async () => {
  writeFileSync(`${path}.part`, file.subarray(0, 5000));
  handler = (_, response) => response.end(file);
  await download([url], path, quick);
  expect(readFileSync(path).equals(file)).toBe(true);
});

test.each([
  ['what is there is of another file', Buffer.alloc(7000, 1)],
  ['what is there is longer than the file', Buffer.alloc(file.length + 9, 1)],
])('%s: it is fetched from its beginning', async (_, rest) => {
  writeFileSync(`${path}.part`, rest);
  handler = honest;
  await download([url], path, quick);
  expect(readFileSync(path).equals(file)).toBe(true);
});

test('the whole file without its new name is only renamed', async () => {
  writeFileSync(`${path}.part`, file);
  handler = honest;
  await download([url], path, quick);
  expect(requests).toEqual([`bytes=${file.length}-`]);
});

test.each<[string, Handler, RegExp]>([
  [
    'another file',
    (_, response) => response.end('other'),
    /must have sha256 \w+, but has \w+ \(5 bytes\), and says "other"/,
  ],
  [
    'a length that is too long',
    (_, response) => {
      response.writeHead(200, { 'content-length': file.length + 5 });
      response.write(file.subarray(0, 100), () => response.destroy());
    },
    /127\.0\.0\.1.*(terminated|closed|ends after|aborted)/,
  ],
  [
    'a length that is too short',
    (_, response) => {
      response.socket?.end(`HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${file.subarray(0, 50)}`);
    },
    /must have sha256/,
  ],
  ['no such file', (_, response) => response.writeHead(404).end(), /the server answers 404/],
  ['a broken server', (_, response) => response.writeHead(503).end(), /the server answers 503/],
  ['nothing', (_, response) => response.destroy(), /fetch failed/],
])('%s: an error that says so, and no file', async (_, answer, message) => {
  handler = answer;
  const failed = download([url], path, quick);
  await expect(failed).rejects.toThrow(message);
  await expect(failed).rejects.toThrow(`${path} could not be downloaded`);
  expect(existsSync(path)).toBe(false);
});

test('more bytes than the file has are not taken', async () => {
  handler = (_, response) => {
    const more = () => response.destroyed || response.write(Buffer.alloc(65_536), more);
    more();
  };
  const bytes = file.length;
  await expect(download([url], path, { ...quick, bytes })).rejects.toThrow(
    `must have ${bytes} bytes, but the server sends more`,
  );
});

test('without a known size there is a ceiling, told of or not', async () => {
  handler = (_, response) => {
    const more = () => response.destroyed || response.write(Buffer.alloc(65_536), more);
    more();
  };
  const endless = download([url], path, { ...quick, maxBytes: 200_000 });
  await expect(endless).rejects.toThrow(
    'must have 200000 bytes at most, but the server sends more',
  );
  expect(existsSync(`${path}.part`)).toBe(false); // no use to a later call
  handler = honest;
  await expect(download([url], path, { ...quick, maxBytes: 299_999 })).rejects.toThrow(
    'must have 299999 bytes at most, but has 300000 on the server',
  );
  await expect(download([url], path, { ...quick, bytes: 300_001 })).rejects.toThrow(
    'must have 300001 bytes, but has 300000 on the server',
  );
});

test.each([
  ['a drop at a time', (response: ServerResponse) => response.write('x')],
  [
    'a drop per connection',
    (response: ServerResponse) => response.write('x') && response.destroy(),
  ],
])('a server that sends %s is given up', async (_, send) => {
  handler = (request, response) => {
    const start = startOf(request);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': file.length - start });
    const timer = setInterval(() => send(response), 20);
    response.on('close', () => clearInterval(timer));
  };
  const slow = { ...quick, attempts: 2, idleTimeout: 150, minRate: 10_000 };
  await expect(download([url], path, slow)).rejects.toThrow(
    /only \d+ bytes arrived within 0.15 s|terminated|fetch failed/,
  );
  expect(requests.length).toBe(2);
});

test.each<[string, Record<string, string>, string]>([
  ['a page', { 'content-type': 'text/html; charset=utf-8' }, '<p>Log in</p>'],
  ['a page without a type', {}, '\n<!DOCTYPE html><title>Not here</title>'],
])(
  '%s instead of the file is refused, and costs nothing that is here',
  async (_, headers, text) => {
    writeFileSync(`${path}.part`, file.subarray(0, 5000));
    handler = (_, response) => response.writeHead(200, headers).end(text);
    await expect(download([url], path, quick)).rejects.toThrow(
      /the server sends a web page \(.*\) instead of the file: "(<p>Log|<!DOCTYPE)/,
    );
    expect(requests.length).toBe(1);
    expect(readFileSync(`${path}.part`).equals(file.subarray(0, 5000))).toBe(true);
  },
);

test('416: a server that has no more differs from one that knows no ranges', async () => {
  handler = (_, response) => response.writeHead(416).end();
  await expect(download([url], path, quick)).rejects.toThrow(/the server answers 416/);

  // Cut off without a word, and nothing beyond.
  handler = (request, response) => {
    if (startOf(request) > 0) return void response.writeHead(416).end();
    response.socket?.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${'y'.repeat(5000)}`);
  };
  await expect(download([url], path, { ...quick, bytes: file.length })).rejects.toThrow(
    /download ends after 5000 of 300000 bytes|nothing beyond the 5000 bytes already here \(416\)/,
  );
  expect(requests.length).toBeLessThan(8);

  // Ranges are refused, the whole file is not.
  writeFileSync(`${path}.part`, file.subarray(0, 5000));
  handler = (request, response) =>
    startOf(request) > 0 ? void response.writeHead(416).end() : void response.end(file);
  await download([url], path, { ...quick, bytes: file.length });
  expect(readFileSync(path).equals(file)).toBe(true);
});

test('a part is put where the server says that it belongs', async () => {
  writeFileSync(`${path}.part`, file.subarray(0, 5000));
  const from = (start: number): Handler => {
    const range = `bytes ${start}-${file.length - 1}/${file.length}`;
    return (_, response) =>
      response.writeHead(206, { 'content-range': range }).end(file.subarray(start));
  };
  handler = from(6000);
  await expect(download([url], path, quick)).rejects.toThrow(
    'the server was asked for bytes from 5000, but sends those from 6000',
  );
  handler = from(3000);
  await download([url], path, quick);
  expect(readFileSync(path).equals(file)).toBe(true);
});

test('a silent server is given up', async () => {
  handler = () => undefined;
  await expect(download([url], path, { ...quick, attempts: 2, idleTimeout: 30 })).rejects.toThrow(
    /nothing arrived within 0.03 s/,
  );
  expect(requests.length).toBe(2);
});

test('a server that fails for a while is asked again, a refusal is final', async () => {
  handler = (request, response, nth) =>
    nth < 3 ? void response.writeHead(503).end() : honest(request, response, nth);
  await download([url], path, quick);
  expect(readFileSync(path).equals(file)).toBe(true);
  requests = [];
  handler = (_, response) => response.writeHead(403).end();
  await expect(download([url], `${path}x`, quick)).rejects.toThrow(/403/);
  expect(requests.length).toBe(1);
});

test('mirrors are tried in turn, and what one began the next goes on with', async () => {
  handler = (request, response, nth) => {
    if (request.url === '/gone') return void response.writeHead(404).end();
    if (request.url === '/half') {
      if (nth > 2) return void response.destroy();
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, 1000));
      return breakOff(response, 1000);
    }
    return honest(request, response, nth);
  };
  const { origin } = new URL(url);
  await download([`${origin}/gone`, `${origin}/half`, url], path, quick);
  expect(readFileSync(path).equals(file)).toBe(true);
  expect(requests.at(-1)).toMatch(/^bytes=[1-9]/);
});

test('a full disk is said before a byte is fetched, and when it happens', async () => {
  handler = honest;
  const space = { bavail: 10, bsize: 4096 } as Awaited<ReturnType<typeof fs.statfs>>;
  jest.spyOn(fs, 'statfs').mockResolvedValue(space);
  await expect(download([url], path, quick)).rejects.toThrow(
    /cannot write .*\.part: 300000 more bytes are needed, but the disk has 40960 left/,
  );
  jest.restoreAllMocks();

  const open = fs.open;
  jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
    const handle = await open(...args);
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    handle.write = () => Promise.reject(full);
    return handle;
  });
  await expect(download([url], path, quick)).rejects.toThrow(/cannot write .*\.part: ENOSPC/);
  expect(existsSync(path)).toBe(false);
});
