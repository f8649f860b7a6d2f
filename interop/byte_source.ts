/**
 * Bytes to read from, in memory or not. A reader is written once, as a generator that yields the
 * range it needs and is given its bytes; it runs at once over bytes in memory, or step by step over
 * a file that never is in memory whole.
 */
import { CheckpointError } from './checkpoint_error';

/** Bytes `begin` to `end` (exclusive) of a file. */
export interface ByteRange {
  begin: number;
  end: number;
}

/** A reader in the making: yields the ranges it needs, returns what it read. */
export type Reading<T> = Generator<ByteRange, T, Uint8Array>;

/** A file that is read piece by piece. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** The bytes from `begin` to `end`, exclusive. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** What of Node's `FileHandle` is needed; its name here, so that no browser needs Node's types. */
export interface FileHandleLike {
  /** The file's length in bytes. */
  stat(): Promise<{ size: number }>;
  /** Reads up to `length` bytes at `position` of the file into `buffer` at `offset`. */
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }>;
}

/** A Blob or File of a browser, an open file of Node's `fs/promises`, or a source of one's own. */
export type CheckpointFile = Blob | FileHandleLike | ByteSource;

/** One read call handles at most this much: Node refuses 2 GiB and more. */
const CALL_BYTES = 2 ** 26;

/** Bytes and the position of something in them, as a view over any of their kinds. */
export function asBytes(bytes: Uint8Array | ArrayBuffer): Uint8Array {
  if (ArrayBuffer.isView(bytes)) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  // By its tag, not instanceof: the buffer may come from another realm.
  if (/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(bytes))) {
    return new Uint8Array(bytes);
  }
  throw new CheckpointError(
    `bytes must be a Uint8Array or an ArrayBuffer, but got ${bytes === null ? 'null' : typeof bytes}`,
  );
}

/** Runs a reader over bytes in memory; what it is given are views. */
export function readNow<T>(reading: Reading<T>, bytes: Uint8Array): T {
  let step = reading.next();
  while (!step.done) {
    const { begin, end } = step.value;
    checkRange(begin, end, bytes.length);
    step = reading.next(bytes.subarray(begin, end));
  }
  return step.value;
}

/** Runs a reader over a file. */
export async function readLater<T>(reading: Reading<T>, source: ByteSource): Promise<T> {
  let step = reading.next();
  while (!step.done) {
    const { begin, end } = step.value;
    checkRange(begin, end, source.size);
    const bytes = await source.read(begin, end);
    if (bytes.length !== end - begin) {
      throw new CheckpointError(
        `the file must give ${end - begin} bytes, but gave ${bytes.length}`,
        begin,
      );
    }
    step = reading.next(bytes);
  }
  return step.value;
}

function checkRange(begin: number, end: number, size: number): void {
  if (!(begin >= 0 && begin <= end && end <= size)) {
    throw new CheckpointError(
      `the file is cut short: bytes ${begin} to ${end} are needed of ${size}`,
      Math.min(begin, size),
    );
  }
}

/** A source over whatever a caller may hand in. */
export async function sourceOf(file: CheckpointFile): Promise<ByteSource> {
  const given = file as Partial<Blob & FileHandleLike & ByteSource> | null | undefined;
  if (typeof given?.slice === 'function' && typeof given.arrayBuffer === 'function') {
    const blob = file as Blob;
    return {
      size: blob.size,
      read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
    };
  }
  if (typeof given?.read === 'function' && typeof given.stat === 'function') {
    const handle = file as FileHandleLike;
    const { size } = await handle.stat();
    return { size, read: (begin, end) => readHandle(handle, begin, end) };
  }
  if (typeof given?.read === 'function' && Number.isSafeInteger(given.size)) {
    return file as ByteSource;
  }
  throw new CheckpointError(
    'file must be a Blob, an open file or an object with size and read(begin, end), but got ' +
      (file === null ? 'null' : typeof file),
  );
}

async function readHandle(file: FileHandleLike, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(CALL_BYTES, bytes.length - done);
    const { bytesRead } = await file.read(bytes, done, length, begin + done);
    if (bytesRead === 0) throw new CheckpointError('the file ended while being read', begin + done);
    done += bytesRead;
  }
  return bytes;
}
