/**
 * Debian's Chromium, headless, with WebGPU and WebGL on SwiftShader: a GPU made of software, so that what
 * is for browsers can be tested where there is neither a screen nor a GPU.
 */
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
];

/** Where Chromium lies: $CHROMIUM, or Debian's. Throws where it is missing, saying how to install it. */
export function chromiumPath() {
  const path = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (existsSync(path)) return path;
  throw new Error(
    `there is no Chromium at ${path}: install it (Debian: apt-get install chromium), or say where it is in $CHROMIUM`,
  );
}

/** Playwright's Browser: close it when done. */
export async function launchChromium() {
  return chromium.launch({
    executablePath: chromiumPath(),
    // Chromium's sandbox refuses root, whom CI containers often run as.
    args: [...FLAGS, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
}

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Serves a folder's files on a free port of this machine, with more headers. Returns its address and `close()`. */
export async function serve(folder, headers = {}) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const file = createReadStream(join(folder, path.endsWith('/') ? `${path}index.html` : path));
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    file.on('open', () => {
      response.setHeader('Content-Type', TYPES[extname(file.path)] ?? 'application/octet-stream');
      file.pipe(response);
    });
    file.on('error', () => {
      response.statusCode = 404;
      response.end('not found');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
