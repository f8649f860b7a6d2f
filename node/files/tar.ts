/** The files of an npm tarball, read in memory. */
import { gunzipSync } from 'node:zlib';
import { Parser } from 'tar';
import { fileError } from './files';

const BLOCK = 512;
/** More than any package on npm unpacks to. */
const MAX_UNPACKED = 2 ** 31;

/**
 * Regular files by their path without the first folder, which npm calls `package`. Links and devices are left out, as
 * in npm.
 *
 * @throws if the tarball is damaged, or if a path leads out of the target folder
 */
export function readTarball(tarball: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let wrong: unknown;
  let ended = false;
  const parser = new Parser({
    strict: true, // Damage is an error, not a warning.
    zstd: false,
    onReadEntry: (entry) => {
      if (entry.type !== 'File' && entry.type !== 'OldFile') return void entry.resume();
      const pieces: Uint8Array[] = [];
      entry.on('data', (piece) => pieces.push(piece));
      entry.on('end', () => {
        // A large file arrives in one piece and needs no copy.
        const [first = new Uint8Array()] = pieces;
        files.set(entry.path, pieces.length > 1 ? Buffer.concat(pieces) : first);
      });
    },
  });
  parser.on('error', (error) => {
    wrong ??= error;
  });
  parser.on('end', () => {
    ended = true;
  });
  try {
    // Unpacked here, to enforce the limit; the parser then has nothing to wait for.
    const tar = gunzipSync(tarball, { maxOutputLength: MAX_UNPACKED });
    parser.end(tar as Buffer);
    if (!ended || tar.length % BLOCK !== 0) wrong ??= 'it must end with a whole block';
  } catch (error) {
    wrong ??= error;
  }
  if (wrong !== undefined) throw fileError('the tarball is damaged', wrong);
  return new Map([...files].map(([path, bytes]) => [inside(path), bytes]));
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
