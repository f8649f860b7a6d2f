/**
 * The format of torch.save before PyTorch 1.6, and since by request: five pickles one after the other
 * with the storages behind (torch/serialization.py).
 */
import type { Reading } from '../byte_source';
import { CheckpointError } from '../checkpoint_error';
import { RefusedError } from './_arguments';
import { MAX_PICKLE, PickleEndError } from './_pickle_bytes';
import { storageOf } from './_storage';
import type { TorchFile } from './open';
import { unpickle } from './unpickler';
import { PickleList, type PickleValue, type TorchStorage, typeName } from './values';

/** How the pickle of a magic number goes on after its protocol, and a frame from protocol 4 on. */
const MAGIC_BYTES = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50];
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** A pickle whose length is not known is read in windows, each eight times the last. */
const FIRST_WINDOW = 2 ** 16;

/** Whether a file begins as those of the older format do. */
export function beginsAsLegacy(bytes: Uint8Array): boolean {
  const [proto, version, frame] = bytes;
  const at = frame === 0x95 ? 11 : 2;
  return (
    proto === 0x80 &&
    version! >= 2 &&
    version! <= 5 &&
    MAGIC_BYTES.every((byte, i) => bytes[at + i] === byte)
  );
}

/** A pickle somewhere in a file, and where it ends. */
function* pickleAt(
  begin: number,
  size: number,
  opaque: boolean,
  persistent: (id: PickleValue) => PickleValue,
): Reading<{ value: PickleValue; end: number }> {
  for (let window = FIRST_WINDOW; ; window *= 8) {
    const end = Math.min(size, begin + Math.min(window, MAX_PICKLE));
    const bytes = yield { begin: Math.min(begin, size), end };
    try {
      const { value, length } = unpickle(bytes, { base: begin, persistent, opaque });
      return { value, end: begin + length };
    } catch (error) {
      if (!(error instanceof PickleEndError)) throw error;
      if (end === size || window >= MAX_PICKLE) {
        throw new CheckpointError('pickle: it is cut short', end);
      }
    }
  }
}

/** Opens such a file; `opaque`: whether unknown classes become opaque values. */
export function* openLegacy(size: number, opaque: boolean): Reading<TorchFile> {
  const none = (): PickleValue => {
    throw new RefusedError('a storage is not allowed here');
  };
  const magic = yield* pickleAt(0, size, false, none);
  const protocol = yield* pickleAt(magic.end, size, false, none);
  if (magic.value !== MAGIC || protocol.value !== PROTOCOL) {
    throw new CheckpointError(`protocol must be ${PROTOCOL}`, magic.end);
  }
  const system = yield* pickleAt(protocol.end, size, false, none);
  const storages = new Map<string, TorchStorage>();
  const content = yield* pickleAt(system.end, size, opaque, (id) => {
    const storage = storageOf(id, true);
    const known = storages.get(storage.key);
    if (known && known.bytes !== storage.bytes) {
      throw new RefusedError(`storage ${storage.key.slice(0, 40)} has two sizes`);
    }
    storages.set(storage.key, known ?? storage);
    return storage;
  });
  const keys = yield* pickleAt(content.end, size, false, none);
  const begins = yield* storageBegins(keys.value, keys.end, size, storages);
  return {
    format: 'legacy',
    value: content.value,
    bigEndian: false,
    *read({ key }, begin, end) {
      const start = begins.get(key)!;
      return yield { begin: start + begin, end: start + end };
    },
  };
}

/** Each storage is its number of elements, 8 bytes, and the elements; they lie in the order of `keys`. */
function* storageBegins(
  keys: PickleValue,
  begin: number,
  size: number,
  storages: Map<string, TorchStorage>,
): Reading<Map<string, number>> {
  if (!(keys instanceof PickleList)) {
    throw new CheckpointError(
      `the storages' keys must be a list, but are ${typeName(keys)}`,
      begin,
    );
  }
  const begins = new Map<string, number>();
  let at = begin;
  for (const key of keys.items) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (!storage || begins.has(storage.key)) {
      throw new CheckpointError('a storage is unknown, or comes twice', at);
    }
    if (at + 8 > size) throw new CheckpointError('the file is cut short before a storage', size);
    const head = yield { begin: at, end: at + 8 };
    const elements = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
    const { width } = storage.type;
    if (elements * BigInt(width) !== BigInt(storage.bytes) || at + 8 + storage.bytes > size) {
      throw new CheckpointError(
        `a storage must have ${storage.bytes} bytes, but has ${elements} elements of ${width}, ` +
          `and the file ends ${size - at - 8} bytes on`,
        at,
      );
    }
    begins.set(storage.key, at + 8);
    at += 8 + storage.bytes;
  }
  if (begins.size !== storages.size) {
    throw new CheckpointError(`${storages.size - begins.size} storages are missing`, at);
  }
  return begins;
}
