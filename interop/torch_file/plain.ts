/** What a pickle held, as plain JavaScript: records, arrays, Maps, Sets. */

import { CheckpointError } from '../checkpoint_error';
import { dtypeName } from './_numpy_globals';
import { kindOf } from './_tensor_globals';
import {
  NumpyDtype,
  PickleComplex,
  PickleGlobal,
  PickleList,
  PickleOpaque,
  PickleRecord,
  PickleSet,
  PickleTuple,
  type PickleValue,
  TorchDtype,
  TorchStorage,
  TorchStorageType,
  TorchTensor,
  typeName,
  UnheldTensor,
} from './values';

/** A checkpoint's containers are a handful deep. */
const MAX_DEPTH = 100;
/** What a value would be with everything shared written out: whoever walks it does not drown. */
const MAX_EXPANDED = 2 ** 22;

interface Done {
  plain: unknown;
  /** How many values it is with everything shared written out. */
  expanded: number;
}

/**
 * Lists and tuples as arrays, a complex as {real, imag}, a dtype as its name, a storage as a tensor of
 * one axis; what cannot be held as {unknownClass} or {unheldTensor, shape}; sets as Sets, a dict as a record without prototype, or a Map where a
 * key is no text; `tensor` says what stands for a tensor. What a file shares stays shared.
 */
export function toPlain(value: PickleValue, tensor: (value: TorchTensor) => unknown): unknown {
  const done = new Map<PickleValue, Done>();
  const open = new Set<PickleValue>();

  const visit = (value: PickleValue, depth: number): Done => {
    if (value === null || typeof value !== 'object') return { plain: value, expanded: 1 };
    const known = done.get(value);
    if (known) return known;
    if (open.has(value)) throw new CheckpointError(`a ${typeName(value)} holds itself`);
    if (depth > MAX_DEPTH) throw new CheckpointError(`values lie more than ${MAX_DEPTH} deep`);
    open.add(value);
    let expanded = 1;
    const child = (item: PickleValue): unknown => {
      const { plain, expanded: size } = visit(item, depth + 1);
      expanded += size;
      if (expanded > MAX_EXPANDED) {
        throw new CheckpointError(`values that share others stand for more than ${MAX_EXPANDED}`);
      }
      return plain;
    };
    const plain = convert(value, child, tensor);
    open.delete(value);
    const result = { plain, expanded };
    done.set(value, result);
    return result;
  };
  return visit(value, 0).plain;
}

function convert(
  value: PickleValue & object,
  child: (item: PickleValue) => unknown,
  tensor: (value: TorchTensor) => unknown,
): unknown {
  if (value instanceof Uint8Array) return value;
  if (value instanceof TorchTensor) return tensor(value);
  if (value instanceof TorchStorage) return storagePlain(value, tensor);
  if (value instanceof TorchDtype || value instanceof TorchStorageType)
    return `torch.${value.name}`;
  if (value instanceof NumpyDtype) return dtypeName(value);
  if (value instanceof PickleGlobal) return value.name;
  if (value instanceof UnheldTensor) return unheldPlain(value.kind, value.shape);
  if (value instanceof PickleComplex) {
    return record([
      ['real', value.real],
      ['imag', value.imag],
    ]);
  }
  if (value instanceof PickleOpaque) {
    const items = value.items ? [['items', child(value.items)] as const] : [];
    return record([['unknownClass', value.className], ...items]);
  }
  if (value instanceof PickleTuple || value instanceof PickleList) return value.items.map(child);
  if (value instanceof PickleSet) return new Set([...value.items].map(child));
  const dict = value instanceof PickleRecord ? value.attributes : value;
  const entries = [...dict.entries].map(([key, item]) => [child(key), child(item)] as const);
  return entries.every(([key]) => typeof key === 'string')
    ? record(entries as [string, unknown][])
    : new Map(entries);
}

/** A storage by itself is its numbers, in a row. */
function storagePlain(storage: TorchStorage, tensor: (value: TorchTensor) => unknown): unknown {
  const { dtype, width } = storage.type;
  const count = storage.bytes / width;
  if (dtype === null) return unheldPlain(kindOf(storage.type), [count]);
  const own = dtype === 'untyped' ? 'U8' : dtype;
  return tensor(new TorchTensor(storage, own, 0, [count], [1], count));
}

function unheldPlain(kind: string, shape: readonly number[]): Record<string, unknown> {
  return record([
    ['unheldTensor', kind],
    ['shape', [...shape]],
  ]);
}

/** A record without prototype: no name in a file can reach Object's own members. */
function record(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, value] of entries) {
    if (key === '__proto__') throw new CheckpointError('a key must not be "__proto__"');
    result[key] = value;
  }
  return result;
}
