/** A server of static files on this machine, for pages and their tests. */
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** The headers that isolate a page, which gives it shared memory, and wasm threads. */
export const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** A file's path below `folder`; undefined where the address is none. */
function fileOf(folder, url) {
  try {
    const path = normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname));
    return join(folder, /[\\/]$/.test(path) ? `${path}index.html` : path);
  } catch {
    return undefined;
  }
}

/**
 * Serves a folder's files on a port of this machine, 0 for a free one, with more headers. Returns its
 * address and `close()`; rejects where the port cannot be had.
 */
export async function serve(folder, { headers = {}, port = 0 } = {}) {
  const server = createServer((request, response) => {
    const missing = () => {
      response.statusCode = 404;
      response.end('not found');
    };
    const path = fileOf(folder, request.url);
    if (path === undefined) return missing();
    const file = createReadStream(path);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    file.on('open', () => {
      response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
      file.pipe(response);
    });
    file.on('error', missing);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
