/** Tarballs made for tests, and a registry on this machine that serves them to the real npm. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface TarEntry {
  name: string;
  body?: string | Uint8Array;
  /** ustar's type flag; '0' is a regular file. */
  type?: string;
  /** What a link leads to. */
  link?: string;
  /** ustar's name prefix. */
  prefix?: string;
}

/** A ustar archive, not compressed. */
export function makeTar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ name, body = '', type = '0', link = '', prefix = '' }) => {
    const bytes = Buffer.from(body as string);
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write('0000644\0', 100);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        ', 148);
    header.write(type, 156);
    header.write(link, 157, 100);
    header.write('ustar\0' + '00', 257);
    header.write(prefix, 345, 155);
    const sum = header.reduce((a, b) => a + b, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, bytes, Buffer.alloc(-bytes.length & 511)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const makeTarball = (entries: readonly TarEntry[]) => gzipSync(makeTar(entries));

export const sha512 = (bytes: Uint8Array) =>
  `sha512-${createHash('sha512').update(bytes).digest('base64')}`;

export interface Registry {
  url: string;
  /** Tarballs asked for so far. */
  downloads: number;
  /** Leaves tarball requests unanswered, as a stalled network does. */
  stall: boolean;
  close(): Promise<void>;
}

/** Serves one package at version 1.0.0. */
export async function startRegistry(name: string, tarball: Uint8Array): Promise<Registry> {
  const registry: Registry = { url: '', downloads: 0, stall: false, close: () => close(server) };
  const server: Server = createServer((request, response) => {
    if (request.url?.endsWith('.tgz')) {
      registry.downloads++;
      if (!registry.stall) response.end(tarball);
      return;
    }
    const dist = { tarball: `${registry.url}/${name}/-/x-1.0.0.tgz`, integrity: sha512(tarball) };
    if (request.url !== `/${name}`) {
      response.statusCode = 404;
      response.end('{}');
      return;
    }
    const manifest = { name, version: '1.0.0', dist };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': manifest } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  registry.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return registry;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
