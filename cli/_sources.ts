/** What a command is asked of: files, folders, globs, addresses and stdin, as names and bytes, one after the other. */
import { existsSync, statSync } from 'node:fs';
import { basename, extname, join, sep } from 'node:path';
import { imageExtensions } from '../node/datasets/own/image';
import { readSampleFile } from '../node/datasets/own/read_file';
import { recordingExtensions } from '../node/datasets/own/recording';
import { filesBelow } from '../node/datasets/own/walk';
import { UsageError } from './shared/errors';

/** Bytes of a source that is not a file, and the time that an address has. */
const MOST_BYTES = 2 ** 26;
const MOST_SECONDS = 30;

export interface Source {
  name: string;
  /** Of a file: where it is. */
  path?: string;
  read(): Promise<Buffer>;
}

const known = [...imageExtensions, ...recordingExtensions];

/** @throws UsageError if one is neither there nor an address */
export async function sourcesOf(names: readonly string[]): Promise<Source[]> {
  const found: Source[] = [];
  for (const name of names) found.push(...(await sourcesNamed(name)));
  return found;
}

async function sourcesNamed(name: string): Promise<Source[]> {
  if (name === '-') return [{ name: 'stdin', read: () => bounded(process.stdin) }];
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(name)) return [addressed(name)];
  if (existsSync(name))
    return statSync(name).isDirectory() ? inFolder(name, () => true) : [file(name)];
  if (/[*?]/.test(name)) return matching(name);
  throw new UsageError(`source must be a file, folder, glob, address or -, but got '${name}'`);
}

const file = (path: string): Source => ({ name: path, path, read: () => readSampleFile(path) });

/** The images and recordings of a folder. @throws UsageError if it has none */
async function inFolder(folder: string, isMeant: (path: string) => boolean, name = folder) {
  const { files } = await filesBelow(folder);
  const own = files.filter((path) => known.includes(extname(path).toLowerCase()) && isMeant(path));
  if (own.length > 0) return own.map((path) => file(join(folder, path)));
  throw new UsageError(
    `source must have files that end in ${known.join(' ')}, but '${name}' has none`,
  );
}

/** `*` and `?` stand for what lies in one folder, `**` for any folders. */
function matching(glob: string): Promise<Source[]> {
  const parts = glob.split(sep === '\\' ? /[\\/]/ : '/');
  const first = parts.findIndex((part) => /[*?]/.test(part));
  const folder = parts.slice(0, first).join('/') || (glob.startsWith('/') ? '/' : '.');
  if (!existsSync(folder))
    throw new UsageError(`source must be in a folder, but '${folder}' is none`);
  const rest = parts.slice(first);
  return inFolder(folder, (path) => fits(path.split('/'), rest), glob);
}

function fits(path: readonly string[], parts: readonly string[]): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return path.length === 0;
  if (part === '**') return fits(path, rest) || (path.length > 0 && fits(path.slice(1), parts));
  return path.length > 0 && fitsName(path[0]!, part) && fits(path.slice(1), rest);
}

/** In time linear in both lengths together, whatever the stars: each only remembers its last place. */
function fitsName(name: string, part: string): boolean {
  let [i, k, star, from] = [0, 0, -1, 0];
  while (i < name.length) {
    if (k < part.length && (part[k] === '?' || (part[k] === name[i] && part[k] !== '*'))) {
      i++;
      k++;
    } else if (part[k] === '*') [star, from, k] = [k, i, k + 1];
    else if (star >= 0) [i, k] = [++from, star + 1];
    else return false;
  }
  while (part[k] === '*') k++;
  return k === part.length;
}

/** @throws UsageError unless it is an address of the web */
function addressed(name: string): Source {
  const url = URL.canParse(name) ? new URL(name) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError(`source must be an http or https address, but got '${name}'`);
  }
  return {
    name,
    async read() {
      const signal = AbortSignal.timeout(1000 * MOST_SECONDS);
      try {
        const response = await fetch(url, { signal });
        if (!response.ok) throw new Error(`the server answers ${response.status}`);
        if (!response.body) throw new Error('the server sends nothing');
        return await bounded(response.body as unknown as AsyncIterable<Uint8Array>);
      } catch (error) {
        const { message, cause } = error as Error;
        const late = signal.aborted ? `it takes more than ${MOST_SECONDS} seconds` : message;
        throw new Error(cause instanceof Error ? `${late}: ${cause.message}` : late, {
          cause: error,
        });
      }
    },
  };
}

async function bounded(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES)
      throw new Error(`it must have at most ${MOST_BYTES} bytes, but has more`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** The name that shows a source's kind: for a URL, the last part of its path. */
export const kindName = ({ name, path }: Source) =>
  path ?? (URL.canParse(name) ? basename(new URL(name).pathname) : name);
