/**
 * The allow-list: every name that a PyTorch file may refer to, and what stands for it here. Nothing
 * else is built, and nothing at all is imported or run (after torch/_weights_only_unpickler.py).
 */

import { type Dtype, dtypes, elementCount } from '../state_dict';
import { halfToNumber } from './half';
import {
  NumpyDtype,
  PickleDict,
  PickleGlobal,
  type PickleKey,
  PickleList,
  PickleRecord,
  PickleSet,
  PickleTuple,
  type PickleValue,
  TorchDtype,
  TorchStorage,
  TorchStorageType,
  TorchTensor,
  typeName,
} from './values';

/** Why an allowed name could not be built; the unpickler adds where. */
export class RefusedError extends Error {}

type Args = readonly PickleValue[];
type Spend = (objects: number) => void;

/** More axes than any framework supports. */
const MAX_RANK = 64;

const storageTypes: Record<string, Dtype | 'untyped' | null> = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: null,
  ComplexDoubleStorage: null,
  QUInt8Storage: null,
  QInt8Storage: null,
  QInt32Storage: null,
};

const torchDtypes: Record<string, Dtype | null> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
  uint16: null,
  uint32: null,
  uint64: null,
  complex32: null,
  complex64: null,
  complex128: null,
  float8_e4m3fn: null,
  float8_e5m2: null,
};

function refuse(what: string): never {
  throw new RefusedError(what);
}

function itemsOf(value: PickleValue | undefined, what: string): readonly PickleValue[] {
  if (value instanceof PickleTuple || value instanceof PickleList) return value.items;
  return refuse(`${what} must be a tuple or list, but is ${typeName(value)}`);
}

function sizesOf(value: PickleValue | undefined, what: string): number[] {
  const sizes = itemsOf(value, what);
  if (sizes.length > MAX_RANK) refuse(`${what} must have at most ${MAX_RANK} numbers`);
  return sizes.map((size) => sizeOf(size, what));
}

function sizeOf(value: PickleValue | undefined, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return refuse(`${what} must be an integer from 0 to 2^53 - 1, but is ${shown(value)}`);
}

function shown(value: PickleValue | undefined): string {
  return typeof value === 'number' ? String(value) : typeName(value);
}

/** (storage, offset, size, stride, requires_grad, backward_hooks, ...): what is after the strides is not kept. */
function rebuildTensor(args: Args, given?: PickleValue): TorchTensor {
  const [storage, offset, size, stride] = args;
  if (!(storage instanceof TorchStorage)) {
    return refuse(`a tensor's storage must be a storage, but is ${typeName(storage)}`);
  }
  const dtype = given === undefined ? storage.dtype : dtypeOf(given);
  if (dtype === 'untyped') return refuse('a tensor of an untyped storage must say its dtype');
  const shape = sizesOf(size, "a tensor's size");
  const strides = sizesOf(stride, "a tensor's stride");
  const begin = sizeOf(offset, "a tensor's offset");
  const count = elementCount(shape);
  if (count === undefined) return refuse(`a tensor of shape [${shape}] has too many elements`);
  if (strides.length !== shape.length) {
    return refuse(`a tensor of shape [${shape}] must have as many strides, but has [${strides}]`);
  }
  const last = shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, begin);
  const elements = storage.bytes / dtypes[dtype].bytes;
  if (count > 0 && !(last < elements)) {
    return refuse(
      `a tensor of shape [${shape}], strides [${strides}] and offset ${begin} reaches element ` +
        `${last} of a storage of ${Math.floor(elements)}`,
    );
  }
  return new TorchTensor(storage, dtype, begin, shape, strides, count);
}

function dtypeOf(value: PickleValue): Dtype {
  if (!(value instanceof TorchDtype)) return refuse(`dtype must be one, but is ${typeName(value)}`);
  return value.dtype ?? refuse(`a tensor of ${value.name} cannot be held here`);
}

function rebuildParameter([data]: Args): TorchTensor {
  if (data instanceof TorchTensor) return data;
  return refuse(`a parameter must hold a tensor, but holds ${typeName(data)}`);
}

/** (function, type, arguments, state): a subclass of Tensor, or one with attributes. */
function rebuildFromType([rebuild, , args]: Args, spend: Spend): PickleValue {
  if (!(rebuild instanceof PickleGlobal) || !tensorBuilders.has(rebuild.name)) {
    return refuse(`a tensor must be rebuilt by torch's own functions, not ${typeName(rebuild)}`);
  }
  return rebuild.call!(itemsOf(args, 'the arguments of a tensor'), spend);
}

/** OrderedDict(), OrderedDict([(key, value), ...]), Counter({...}). */
function dict([source]: Args, spend: Spend): PickleDict {
  const result = new PickleDict();
  if (source === undefined) return result;
  if (source instanceof PickleDict) {
    spend(source.entries.size);
    for (const [key, value] of source.entries) result.entries.set(key, value);
    return result;
  }
  const items = itemsOf(source, 'the items of a dict');
  spend(items.length);
  for (const item of items) {
    const pair = itemsOf(item, 'an item of a dict');
    if (pair.length !== 2) refuse(`an item of a dict must be a pair, but has ${pair.length}`);
    result.entries.set(keyOf(pair[0]), pair[1]!);
  }
  return result;
}

/** A dict's key: what can be one. */
export function keyOf(value: PickleValue | undefined): PickleKey {
  const primitive =
    value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
  if (primitive || value instanceof PickleTuple) return value as PickleKey;
  return refuse(`a key must be a text, a number, None or a tuple, but is ${typeName(value)}`);
}

function set([source]: Args, spend: Spend): PickleSet {
  const result = new PickleSet();
  if (source === undefined) return result;
  const items = itemsOf(source, 'the items of a set');
  spend(items.length);
  for (const item of items) result.items.add(keyOf(item));
  return result;
}

function device([kind, index]: Args): string {
  if (typeof kind !== 'string') return refuse(`a device must be named, but is ${typeName(kind)}`);
  return typeof index === 'number' ? `${kind}:${index}` : kind;
}

/** `_codecs.encode(text, 'latin1')` is how protocol 2 writes bytes. */
function encode([text, encoding]: Args, spend: Spend): Uint8Array {
  if (typeof text !== 'string' || encoding !== 'latin1') {
    return refuse('bytes must come as a text in latin1');
  }
  spend(text.length >> 3); // a text in the memo can be encoded again and again
  const result = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) refuse('bytes must come as a text in latin1');
    result[i] = code;
  }
  return result;
}

function bytes([data = null]: Args, spend: Spend): Uint8Array {
  if (data === null) return new Uint8Array(0);
  if (!(data instanceof Uint8Array)) return refuse(`bytes cannot be made of ${typeName(data)}`);
  spend(data.length >> 3);
  return data.slice();
}

function numpyDtype([code]: Args): NumpyDtype {
  if (typeof code === 'string' && code in numpyReaders) return new NumpyDtype(code);
  return refuse(`a NumPy scalar of type ${shown(code)} cannot be held here`);
}

/** numpy.float64(71.25) and its like, in `metric`. */
function numpyScalar([dtype, data]: Args): PickleValue {
  if (!(dtype instanceof NumpyDtype) || !(data instanceof Uint8Array)) {
    return refuse('a NumPy scalar must have a dtype and bytes');
  }
  const [size, read] = numpyReaders[dtype.code]!;
  if (data.length !== size) return refuse(`a NumPy ${dtype.code} must have ${size} bytes`);
  return read(new DataView(data.buffer, data.byteOffset, size), dtype.littleEndian);
}

const safe = (value: bigint) => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};
type NumpyReader = readonly [number, (view: DataView, little: boolean) => PickleValue];
const numpyReaders: Record<string, NumpyReader> = Object.assign(Object.create(null), {
  f2: [2, (v, l) => halfToNumber(v.getUint16(0, l))],
  f4: [4, (v, l) => v.getFloat32(0, l)],
  f8: [8, (v, l) => v.getFloat64(0, l)],
  i1: [1, (v) => v.getInt8(0)],
  i2: [2, (v, l) => v.getInt16(0, l)],
  i4: [4, (v, l) => v.getInt32(0, l)],
  i8: [8, (v, l) => safe(v.getBigInt64(0, l))],
  u1: [1, (v) => v.getUint8(0)],
  u2: [2, (v, l) => v.getUint16(0, l)],
  u4: [4, (v, l) => v.getUint32(0, l)],
  u8: [8, (v, l) => safe(v.getBigUint64(0, l))],
  b1: [1, (v) => v.getUint8(0) !== 0],
} satisfies Record<string, NumpyReader>);

const tensorBuilders = new Set([
  'torch._utils._rebuild_tensor',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_tensor_v3',
  'torch._utils._rebuild_parameter',
  'torch._utils._rebuild_parameter_with_state',
]);

const calls: Record<string, PickleGlobal['call']> = {
  'torch._utils._rebuild_tensor': (args) => rebuildTensor(args),
  'torch._utils._rebuild_tensor_v2': (args) => rebuildTensor(args),
  'torch._utils._rebuild_tensor_v3': (args) => rebuildTensor(args, args[6] ?? null),
  'torch._utils._rebuild_parameter': rebuildParameter,
  'torch._utils._rebuild_parameter_with_state': rebuildParameter,
  'torch._tensor._rebuild_from_type_v2': rebuildFromType,
  'torch.Size': ([sizes]) => new PickleTuple(sizesOf(sizes, 'a torch.Size')),
  'torch.device': device,
  'collections.OrderedDict': dict,
  'collections.Counter': dict,
  'argparse.Namespace': () => new PickleRecord(),
  'builtins.set': set,
  'builtins.bytearray': bytes,
  'builtins.bytes': bytes,
  '_codecs.encode': encode,
  'numpy.dtype': numpyDtype,
  'numpy.core.multiarray.scalar': numpyScalar,
  'numpy._core.multiarray.scalar': numpyScalar,
};

const allowed = new Map<string, PickleValue>([
  ...Object.entries(calls).map(([name, call]) => [name, new PickleGlobal(name, call)] as const),
  ...Object.entries(torchDtypes).map(
    ([name, dtype]) => [`torch.${name}`, new TorchDtype(name, dtype)] as const,
  ),
  ...Object.entries(storageTypes).map(
    ([name, dtype]) => [`torch.${name}`, new TorchStorageType(name, dtype)] as const,
  ),
  ['torch.storage.UntypedStorage', new TorchStorageType('UntypedStorage', 'untyped')],
  // Classes that are named beside a tensor, and not built.
  ['torch.Tensor', new PickleGlobal('torch.Tensor')],
  ['torch.nn.parameter.Parameter', new PickleGlobal('torch.nn.parameter.Parameter')],
]);

/** What stands for a name; undefined where it is not on the list. Python 2's names of built-ins are known. */
export function lookUpGlobal(module: string, name: string): PickleValue | undefined {
  return allowed.get(`${module === '__builtin__' ? 'builtins' : module}.${name}`);
}
