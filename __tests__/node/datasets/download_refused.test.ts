/** Downloads that are refused: other files, wrong lengths, web pages, servers that are slow or silent, full disks. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { download } from '../../../node/datasets/download';
import {
  DownloadServer,
  endless,
  file,
  type Handler,
  honest,
  quick,
  startOf,
} from './download_server';

const server = new DownloadServer();

afterEach(() => jest.restoreAllMocks());

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
  server.handler = answer;
  const failed = download([server.url], server.path, quick);
  await expect(failed).rejects.toThrow(message);
  await expect(failed).rejects.toThrow(`${server.path} could not be downloaded`);
  expect(existsSync(server.path)).toBe(false);
});

test('more bytes than the file has are not taken', async () => {
  server.handler = endless;
  const bytes = file.length;
  await expect(download([server.url], server.path, { ...quick, bytes })).rejects.toThrow(
    `must have ${bytes} bytes, but the server sends more`,
  );
});

test('without a known size there is a ceiling, told of or not', async () => {
  server.handler = endless;
  const unending = download([server.url], server.path, { ...quick, maxBytes: 200_000 });
  await expect(unending).rejects.toThrow(
    'must have 200000 bytes at most, but the server sends more',
  );
  expect(existsSync(`${server.path}.part`)).toBe(false); // no use to a later call
  server.handler = honest;
  await expect(
    download([server.url], server.path, { ...quick, maxBytes: 299_999 }),
  ).rejects.toThrow('must have 299999 bytes at most, but has 300000 on the server');
  await expect(download([server.url], server.path, { ...quick, bytes: 300_001 })).rejects.toThrow(
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
  server.handler = (request, response) => {
    const start = startOf(request);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': file.length - start });
    const timer = setInterval(() => send(response), 20);
    response.on('close', () => clearInterval(timer));
  };
  const slow = { ...quick, attempts: 2, idleTimeout: 150, minRate: 10_000 };
  await expect(download([server.url], server.path, slow)).rejects.toThrow(
    /only \d+ bytes arrived within 0.15 s|terminated|fetch failed/,
  );
  expect(server.requests.length).toBe(2);
});

test.each<[string, Record<string, string>, string]>([
  ['a page', { 'content-type': 'text/html; charset=utf-8' }, '<p>Log in</p>'],
  ['a page without a type', {}, '\n<!DOCTYPE html><title>Not here</title>'],
])(
  '%s instead of the file is refused, and costs nothing that is here',
  async (_, headers, text) => {
    writeFileSync(`${server.path}.part`, file.subarray(0, 5000));
    server.handler = (_, response) => response.writeHead(200, headers).end(text);
    await expect(download([server.url], server.path, quick)).rejects.toThrow(
      /the server sends a web page \(.*\) instead of the file: "(<p>Log|<!DOCTYPE)/,
    );
    expect(server.requests.length).toBe(1);
    expect(readFileSync(`${server.path}.part`).equals(file.subarray(0, 5000))).toBe(true);
  },
);

test('a silent server is given up', async () => {
  server.handler = () => undefined;
  await expect(
    download([server.url], server.path, { ...quick, attempts: 2, idleTimeout: 30 }),
  ).rejects.toThrow(/nothing arrived within 0.03 s/);
  expect(server.requests.length).toBe(2);
});

test('a full disk is said before a byte is fetched, and when it happens', async () => {
  server.handler = honest;
  const space = { bavail: 10, bsize: 4096 } as Awaited<ReturnType<typeof fs.statfs>>;
  jest.spyOn(fs, 'statfs').mockResolvedValue(space);
  await expect(download([server.url], server.path, quick)).rejects.toThrow(
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
  await expect(download([server.url], server.path, quick)).rejects.toThrow(
    /cannot write .*\.part: ENOSPC/,
  );
  expect(existsSync(server.path)).toBe(false);
});
