/** Downloads from servers that drop connections, ignore ranges or fail for a while: whole in the end. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { download } from '../../../node/datasets/download';
import { DownloadServer, file, type Handler, honest, quick, startOf } from './download_server';

const server = new DownloadServer();

test('a file arrives whole, with progress, and leaves nothing beside it', async () => {
  server.handler = honest;
  const seen: (readonly [number, number | undefined])[] = [];
  const onProgress = (done: number, total: number | undefined) => void seen.push([done, total]);
  await download([server.url], server.path, { ...quick, onProgress });
  expect(readFileSync(server.path).equals(file)).toBe(true);
  expect(existsSync(`${server.path}.part`)).toBe(false);
  expect(seen[0]).toEqual([0, file.length]);
  expect(seen.at(-1)).toEqual([file.length, file.length]);
});

test('a dropped connection is resumed where it broke, as often as it gets on', async () => {
  server.handler = server.dropping(40_000);
  await download([server.url], server.path, { ...quick, attempts: 50 }); // amid other work, not all may arrive in time
  expect(readFileSync(server.path).equals(file)).toBe(true);
  expect(server.requests.length).toBeGreaterThan(5);
  expect(server.requests.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(
    true,
  );
});

test('an interrupted download goes on in the next call', async () => {
  server.handler = server.dropping(100_000);
  const controller = new AbortController();
  const stop = (done: number) => done >= 100_000 && controller.abort(new Error('stopped'));
  const interrupted = download([server.url], server.path, {
    ...quick,
    onProgress: stop,
    signal: controller.signal,
  });
  await expect(interrupted).rejects.toThrow('stopped');
  expect(existsSync(server.path)).toBe(false);
  expect(readFileSync(`${server.path}.part`).length).toBeGreaterThanOrEqual(100_000);
  server.handler = honest;
  server.requests = [];
  await download([server.url], server.path, quick);
  expect(server.requests[0]).toMatch(/^bytes=[1-9]/);
  expect(readFileSync(server.path).equals(file)).toBe(true);
});

test('a server that ignores ranges begins anew', async () => {
  writeFileSync(`${server.path}.part`, file.subarray(0, 5000));
  server.handler = (_, response) => response.end(file);
  await download([server.url], server.path, quick);
  expect(readFileSync(server.path).equals(file)).toBe(true);
});

test.each([
  ['what is there is of another file', Buffer.alloc(7000, 1)],
  ['what is there is longer than the file', Buffer.alloc(file.length + 9, 1)],
])('%s: it is fetched from its beginning', async (_, rest) => {
  writeFileSync(`${server.path}.part`, rest);
  server.handler = honest;
  await download([server.url], server.path, quick);
  expect(readFileSync(server.path).equals(file)).toBe(true);
});

test('the whole file without its new name is only renamed', async () => {
  writeFileSync(`${server.path}.part`, file);
  server.handler = honest;
  await download([server.url], server.path, quick);
  expect(server.requests).toEqual([`bytes=${file.length}-`]);
});

test('416: a server that has no more differs from one that knows no ranges', async () => {
  server.handler = (_, response) => response.writeHead(416).end();
  await expect(download([server.url], server.path, quick)).rejects.toThrow(
    /the server answers 416/,
  );

  // Cut off without a word, and nothing beyond.
  server.handler = (request, response) => {
    if (startOf(request) > 0) return void response.writeHead(416).end();
    response.socket?.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${'y'.repeat(5000)}`);
  };
  await expect(
    download([server.url], server.path, { ...quick, bytes: file.length }),
  ).rejects.toThrow(
    /download ends after 5000 of 300000 bytes|nothing beyond the 5000 bytes already here \(416\)/,
  );
  expect(server.requests.length).toBeLessThan(8);

  // Ranges are refused, the whole file is not.
  writeFileSync(`${server.path}.part`, file.subarray(0, 5000));
  server.handler = (request, response) =>
    startOf(request) > 0 ? void response.writeHead(416).end() : void response.end(file);
  await download([server.url], server.path, { ...quick, bytes: file.length });
  expect(readFileSync(server.path).equals(file)).toBe(true);
});

test('a part is put where the server says that it belongs', async () => {
  writeFileSync(`${server.path}.part`, file.subarray(0, 5000));
  const from = (start: number): Handler => {
    const range = `bytes ${start}-${file.length - 1}/${file.length}`;
    return (_, response) =>
      response.writeHead(206, { 'content-range': range }).end(file.subarray(start));
  };
  server.handler = from(6000);
  await expect(download([server.url], server.path, quick)).rejects.toThrow(
    'the server was asked for bytes from 5000, but sends those from 6000',
  );
  server.handler = from(3000);
  await download([server.url], server.path, quick);
  expect(readFileSync(server.path).equals(file)).toBe(true);
});

test('a server that fails for a while is asked again, a refusal is final', async () => {
  server.handler = (request, response, nth) =>
    nth < 3 ? void response.writeHead(503).end() : honest(request, response, nth);
  await download([server.url], server.path, quick);
  expect(readFileSync(server.path).equals(file)).toBe(true);
  server.requests = [];
  server.handler = (_, response) => response.writeHead(403).end();
  await expect(download([server.url], `${server.path}x`, quick)).rejects.toThrow(/403/);
  expect(server.requests.length).toBe(1);
});

test('mirrors are tried in turn, and what one began the next goes on with', async () => {
  server.handler = (request, response, nth) => {
    if (request.url === '/gone') return void response.writeHead(404).end();
    if (request.url === '/half') {
      if (nth > 2) return void response.destroy();
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, 1000));
      return server.breakOff(response, 1000);
    }
    return honest(request, response, nth);
  };
  const { origin } = new URL(server.url);
  await download([`${origin}/gone`, `${origin}/half`, server.url], server.path, quick);
  expect(readFileSync(server.path).equals(file)).toBe(true);
  expect(server.requests.at(-1)).toMatch(/^bytes=[1-9]/);
});
