/** The files of an npm tarball, read in memory: gzip, then ustar with pax and GNU long names. */
import { gunzipSync } from 'node:zlib';

const BLOCK = 512;
/** More than any package on npm unpacks to. */
const MAX_UNPACKED = 2 ** 31;

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const utf8 = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
/** A header's text field ends at its first zero byte. */
const text = (field: Uint8Array) => utf8(field).split('\0', 1)[0];

/**
 * Regular files by their path without the first folder, which npm calls `package`. Links and
 * devices are left out, as npm leaves them out. Throws on damage, and on a path that would lead out
 * of the folder that it is unpacked in.
 */
export function readTarball(tarball: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const tar = gunzipSync(tarball, { maxOutputLength: MAX_UNPACKED });
  let longName: string | undefined;
  for (let at = 0; at < tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.length < BLOCK) throw new Error('a tarball must end with a whole block');
    if (header.every((byte) => byte === 0)) break;
    checkHeader(header, at);
    const size = octal(header.subarray(124, 136), 'size', at);
    const body = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (body.length < size) {
      throw new Error(`a file of ${size} bytes at byte ${at} runs past the tarball's end`);
    }
    const type = String.fromCharCode(header[156]);
    if (type === 'x') longName = paxPath(body) ?? longName;
    else if (type === 'L') longName = text(body);
    else if (type !== 'g') {
      // '0' and, before ustar, a zero byte: a regular file
      if (type === '0' || type === '\0') files.set(inside(longName ?? nameOf(header)), body);
      longName = undefined;
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** The header's bytes, its checksum field taken as blanks, add up to that field. */
function checkHeader(header: Uint8Array, at: number): void {
  let sum = 8 * 32;
  header.forEach((byte, i) => {
    if (i < 148 || i >= 156) sum += byte;
  });
  const stated = octal(header.subarray(148, 156), 'checksum', at);
  if (stated !== sum) {
    throw new Error(`the tar header at byte ${at} must add up to ${stated}, but gives ${sum}`);
  }
}

function octal(field: Uint8Array, what: string, at: number): number {
  const digits = latin1(field).replace(/^ +|[ \0]+$/g, '');
  if (!/^[0-7]{1,12}$/.test(digits)) {
    throw new Error(
      `${what} of the tar header at byte ${at} must be octal, but got ${JSON.stringify(digits)}`,
    );
  }
  return Number.parseInt(digits, 8);
}

function nameOf(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  const ustar = latin1(header.subarray(257, 262)) === 'ustar';
  const prefix = ustar ? text(header.subarray(345, 500)) : '';
  return prefix ? `${prefix}/${name}` : name;
}

/** `path` of a pax header: records of "length key=value\n", the length counting itself. */
function paxPath(body: Uint8Array): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < body.length; ) {
    const blank = body.indexOf(0x20, at);
    const length = Number(latin1(body.subarray(at, blank)));
    if (blank < 0 || !Number.isInteger(length) || length <= blank - at) {
      throw new Error('a pax header of the tarball is damaged');
    }
    const record = utf8(body.subarray(blank + 1, at + length - 1));
    if (record.startsWith('path=')) path = record.slice('path='.length);
    at += length;
  }
  return path;
}

/** The path below the first folder. */
function inside(name: string): string {
  const parts = name.split('/');
  const bad = parts.some((part) => ['', '.', '..'].includes(part) || /[\\\0:]/.test(part));
  if (parts.length < 2 || bad) {
    throw new Error(
      `a tarball's files must lie inside its folder, but one is named ${JSON.stringify(name)}`,
    );
  }
  return parts.slice(1).join('/');
}
