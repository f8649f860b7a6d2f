/**
 * Unpacks chosen files of a Python wheel, a zip archive, as a stream: TensorFlow's largest has 800 MB.
 * Nothing is written outside the folder: a name that would lead out of it, and any link, is refused
 * before the first file is written. The archive's hash is the caller's business.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

interface Entry {
  name: string;
  /** 0: stored; 8: deflated. */
  method: number;
  compressed: number;
  size: number;
  /** Where its local header lies. */
  offset: number;
}

const END = 0x06054b50;
const END_ZIP64 = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** In a field of 32 bits: the number is in the extra field, as 64. */
const IN_EXTRA = 0xffffffff;
const SYMBOLIC_LINK = 0o120000;

/**
 * Writes the files that `wanted` picks below `folder`, under their names in the archive.
 * @param onProgress called with the bytes written and those to write
 */
export async function unpackWheel(
  path: string,
  folder: string,
  wanted: (name: string) => boolean,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<string[]> {
  const archive = await fs.open(path, 'r');
  try {
    const entries = await readDirectory(archive, path);
    const chosen = entries.filter(({ name }) => !name.endsWith('/') && wanted(name));
    const total = chosen.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    for (const entry of chosen) {
      const target = join(folder, entry.name);
      await fs.mkdir(dirname(target), { recursive: true });
      await writeEntry(archive, path, entry, target, (bytes) => {
        done += bytes;
        onProgress(done, total);
      });
    }
    return chosen.map(({ name }) => name);
  } finally {
    await archive.close();
  }
}

async function read(archive: fs.FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await archive.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** The central directory, at the archive's end: every name checked. */
async function readDirectory(archive: fs.FileHandle, path: string): Promise<Entry[]> {
  const { size: length } = await archive.stat();
  const start = Math.max(0, length - 65_557); // the end record, and the longest comment after it
  const tail = await read(archive, start, length - start);
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || end + 22 > tail.length || tail.readUInt32LE(end) !== END) {
    throw new Error(`${path} is not a wheel: it has no zip directory`);
  }
  let size = tail.readUInt32LE(end + 12);
  let offset = tail.readUInt32LE(end + 16);
  if (offset === IN_EXTRA || size === IN_EXTRA) {
    const locator = end - 20; // says where the 64-bit end record is
    const at = locator >= 0 ? Number(tail.readBigUInt64LE(locator + 8)) : -1;
    const record = at >= 0 && at < length ? await read(archive, at, 56) : Buffer.alloc(0);
    if (record.length < 56 || record.readUInt32LE(0) !== END_ZIP64) {
      throw new Error(`${path} is damaged: its zip directory cannot be found`);
    }
    size = Number(record.readBigUInt64LE(40));
    offset = Number(record.readBigUInt64LE(48));
  }
  if (offset + size > length) throw new Error(`${path} is damaged: its zip directory is cut off`);

  const directory = await read(archive, offset, size);
  const entries: Entry[] = [];
  for (let at = 0; at < directory.length; ) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== CENTRAL) {
      throw new Error(`${path} is damaged: its zip directory breaks off at byte ${offset + at}`);
    }
    const nameLength = directory.readUInt16LE(at + 28);
    const extraLength = directory.readUInt16LE(at + 30);
    const commentLength = directory.readUInt16LE(at + 32);
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
    checkName(name, path);
    if (((directory.readUInt32LE(at + 38) >>> 16) & 0o170000) === SYMBOLIC_LINK) {
      throw new Error(`${path} holds a link, ${JSON.stringify(name)}: it is refused`);
    }
    const extraAt = at + 46 + nameLength;
    entries.push({
      name,
      method: directory.readUInt16LE(at + 10),
      ...sizes(directory, at, directory.subarray(extraAt, extraAt + extraLength)),
    });
    at = extraAt + extraLength + commentLength;
  }
  return entries;
}

/** The three numbers that the extra field holds where they do not fit into 32 bits. */
function sizes(directory: Buffer, at: number, extra: Buffer) {
  const wide: bigint[] = [];
  for (let i = 0; i + 4 <= extra.length; i += 4 + extra.readUInt16LE(i + 2)) {
    if (extra.readUInt16LE(i) !== 1) continue;
    const length = Math.min(extra.readUInt16LE(i + 2), extra.length - i - 4);
    for (let j = 0; j + 8 <= length; j += 8) wide.push(extra.readBigUInt64LE(i + 4 + j));
  }
  const number = (field: number) => {
    const narrow = directory.readUInt32LE(at + field);
    return narrow === IN_EXTRA && wide.length > 0 ? Number(wide.shift()) : narrow;
  };
  const size = number(24);
  return { size, compressed: number(20), offset: number(42) };
}

/** Names are relative, with `/` between parts that are names. */
function checkName(name: string, path: string): void {
  const parts = name.replace(/\/$/, '').split('/');
  if (parts.some((part) => ['', '.', '..'].includes(part) || /[\\\0:]/.test(part))) {
    throw new Error(
      `${path} holds a file that would not lie inside its folder, ${JSON.stringify(name)}: ` +
        'the archive is refused',
    );
  }
}

async function writeEntry(
  archive: fs.FileHandle,
  path: string,
  { name, method, compressed, size, offset }: Entry,
  target: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const header = await read(archive, offset, 30);
  if (header.length < 30 || header.readUInt32LE(0) !== LOCAL) {
    throw new Error(`${path} is damaged: ${name} is not where its directory says`);
  }
  if (method !== 0 && method !== 8) {
    throw new Error(`${path}: ${name} is packed by method ${method}, expected 0 or 8`);
  }
  const start = offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  let written = 0;
  const count = new Transform({
    transform(chunk: Buffer, _, callback) {
      written += chunk.length;
      onBytes(chunk.length);
      const fits = written <= size;
      callback(fits ? null : new Error(`${path}: ${name} is larger than its ${size} bytes`), chunk);
    },
  });
  const output = createWriteStream(target, { flags: 'wx' });
  if (compressed === 0) {
    await pipeline([count.end(), output]);
  } else {
    const packed = createReadStream(path, { start, end: start + compressed - 1 });
    if (method === 8) await pipeline(packed, createInflateRaw(), count, output);
    else await pipeline(packed, count, output);
  }
  if (written !== size) {
    throw new Error(`${path} is damaged: ${name} has ${written} bytes, expected ${size}`);
  }
}
