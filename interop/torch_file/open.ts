/**
 * The two formats of torch.save: a zip archive with the pickle and one member a storage, and before
 * PyTorch 1.6 five pickles one after the other with the storages behind (torch/serialization.py).
 */
import type { Reading } from '../byte_source';
import { CheckpointError } from '../checkpoint_error';
import { dtypes } from '../state_dict';
import { RefusedError } from './_globals';
import { MAX_PICKLE, PickleEndError, unpickle } from './unpickler';
import {
  PickleList,
  PickleTuple,
  type PickleValue,
  TorchStorage,
  TorchStorageType,
  typeName,
} from './values';
import {
  beginsAsZip,
  memberBegin,
  readMember,
  readZipDirectory,
  verifyMember,
  type ZipMember,
} from './zip';

/** A file by torch.save, its pickle read, its numbers not. */
export interface TorchFile {
  format: 'zip' | 'legacy';
  value: PickleValue;
  /** Bytes `begin` to `end` of a storage. */
  read(storage: TorchStorage, begin: number, end: number): Reading<Uint8Array>;
  /** Whether numbers lie with their highest byte first. */
  bigEndian: boolean;
}

/** What the older format begins with: the pickle of a magic number. */
const LEGACY_BEGIN = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50];
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
/** A pickle whose length is not known is read in windows, each eight times the last. */
const FIRST_WINDOW = 2 ** 16;

/** Whether a file begins as those of torch.save do. */
export function beginsAsTorch(bytes: Uint8Array): boolean {
  return beginsAsZip(bytes) || beginsAsLegacy(bytes);
}

function beginsAsLegacy(bytes: Uint8Array): boolean {
  return LEGACY_BEGIN.every((byte, i) => bytes[i] === byte);
}

/** Opens a file of `size` bytes; `opaque`: whether unknown classes become opaque values. */
export function* openTorchFile(size: number, opaque: boolean): Reading<TorchFile> {
  const start = yield { begin: 0, end: Math.min(size, 512) };
  if (beginsAsZip(start)) return yield* openZip(size, opaque);
  if (beginsAsLegacy(start)) return yield* openLegacy(size, opaque);
  const tar = String.fromCharCode(...start.subarray(257, 262)) === 'ustar';
  throw new CheckpointError(
    `a PyTorch checkpoint must begin as torch.save's files do, but this ${
      tar
        ? 'is a tar archive: unpack it, or load and save it with PyTorch'
        : start[0] === 0x80
          ? 'is a pickle that torch.save did not write'
          : size === 0
            ? 'is empty'
            : 'does not'
    }`,
    0,
  );
}

/** ('storage', type, key, location, number of elements[, view]) */
function storageOf(id: PickleValue, legacy: boolean): TorchStorage {
  if (!(id instanceof PickleTuple) || id.items[0] !== 'storage') {
    throw new RefusedError(`a persistent id must be of a storage, but is ${typeName(id)}`);
  }
  const [, type, key, location, elements, storageView] = id.items;
  if (!(type instanceof TorchStorageType)) {
    throw new RefusedError(`a storage must have a type of torch's, but has ${typeName(type)}`);
  }
  if (type.dtype === null) throw new RefusedError(`a ${type.name} cannot be held here`);
  if (typeof key !== 'string' || typeof location !== 'string') {
    throw new RefusedError("a storage's key and location must be texts");
  }
  const width = type.dtype === 'untyped' ? 1 : dtypes[type.dtype].bytes;
  const bytes = typeof elements === 'number' ? elements * width : Number.NaN;
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new RefusedError('a storage must have from 0 to 2^53 - 1 bytes');
  }
  if (legacy && storageView !== null && storageView !== undefined) {
    throw new RefusedError('a storage that is a view of another (PyTorch before 0.4) is not read');
  }
  return new TorchStorage(key, type.dtype, bytes, location);
}

function* openZip(size: number, opaque: boolean): Reading<TorchFile> {
  const members = yield* readZipDirectory(size);
  const pickles = [...members.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new CheckpointError(
      `zip: a checkpoint must have one data.pkl in its root folder, but has ${pickles.length}`,
    );
  }
  const root = pickles[0]!.slice(0, -'data.pkl'.length);
  if (members.has(`${root}constants.pkl`)) {
    throw new CheckpointError('this is a TorchScript archive: save the state_dict of its model');
  }
  const order = members.get(`${root}byteorder`);
  const byteOrder =
    order && order.size < 16 ? String.fromCharCode(...(yield* readMember(order))) : 'little';
  if (byteOrder !== 'little' && byteOrder !== 'big') {
    throw new CheckpointError(
      `byteorder must be little or big, but is ${JSON.stringify(byteOrder)}`,
    );
  }
  const member = members.get(pickles[0]!)!;
  if (member.size > MAX_PICKLE) {
    throw new CheckpointError(
      `data.pkl must have at most ${MAX_PICKLE} bytes, but has ${member.size}`,
    );
  }
  const base = yield* memberBegin(member);
  const bytes = yield* readMember(member);
  const memberOf = (storage: TorchStorage): ZipMember => {
    const found = members.get(`${root}data/${storage.key}`);
    if (found?.size === storage.bytes) return found;
    const has = found ? `has ${found.size}` : 'is not in the archive';
    throw new RefusedError(
      `storage ${storage.key.slice(0, 40)} must have ${storage.bytes} bytes, but ${has}`,
    );
  };
  const persistent = (id: PickleValue) => {
    const storage = storageOf(id, false);
    memberOf(storage);
    return storage;
  };
  const value = unpickleAll(bytes, { base, persistent, opaque });

  const begins = new Map<string, number>();
  return {
    format: 'zip',
    value,
    bigEndian: byteOrder === 'big',
    *read(storage, begin, end) {
      const member = memberOf(storage);
      const known = begins.get(member.name);
      if (known === undefined && begin === 0 && end === member.size) {
        begins.set(member.name, yield* memberBegin(member));
        return yield* readMember(member);
      }
      // Not `??`: the build's CJS pass puts what follows it into a function, where yield is none.
      const start = known === undefined ? yield* verifyMember(member) : known;
      begins.set(member.name, start);
      return yield { begin: start + begin, end: start + end };
    },
  };
}

function unpickleAll(bytes: Uint8Array, options: Parameters<typeof unpickle>[1]): PickleValue {
  try {
    return unpickle(bytes, options).value;
  } catch (error) {
    if (!(error instanceof PickleEndError)) throw error;
    throw new CheckpointError('pickle: it is cut short', options.base + bytes.length);
  }
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

function* openLegacy(size: number, opaque: boolean): Reading<TorchFile> {
  const none = (): PickleValue => {
    throw new RefusedError('a storage is not allowed here');
  };
  const magic = yield* pickleAt(0, size, false, none);
  const protocol = yield* pickleAt(magic.end, size, false, none);
  if (magic.value !== LEGACY_MAGIC || protocol.value !== LEGACY_PROTOCOL) {
    throw new CheckpointError(`protocol must be ${LEGACY_PROTOCOL}`, magic.end);
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
    const width = storage.dtype === 'untyped' ? 1 : dtypes[storage.dtype].bytes;
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
