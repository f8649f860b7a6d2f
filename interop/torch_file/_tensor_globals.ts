/**
 * How PyTorch has tensors rebuilt (torch/_utils.py). Every argument that changes numbers is done or
 * refused; requires_grad, hooks and attributes change none. What no state dict here can hold becomes
 * an UnheldTensor, which harms nobody beside the weights.
 */
import { type Dtype, dtypes, elementCount } from '../state_dict';
import { type Args, itemsOf, refuse, type Spend, sizeOf, sizesOf } from './_arguments';
import {
  PickleDict,
  PickleGlobal,
  PickleTuple,
  type PickleValue,
  TorchDtype,
  TorchStorage,
  TorchStorageType,
  TorchTensor,
  typeName,
  UnheldTensor,
} from './values';

/** Types of storages that no state dict here can hold: their dtypes, and bytes an element. */
const unheldStorages: Readonly<Record<string, readonly [dtype: string, width: number]>> = {
  ComplexFloatStorage: ['complex64', 8],
  ComplexDoubleStorage: ['complex128', 16],
  QUInt8Storage: ['quint8', 1],
  QInt8Storage: ['qint8', 1],
  QInt32Storage: ['qint32', 4],
  QUInt4x2Storage: ['quint4x2', 1],
  QUInt2x4Storage: ['quint2x4', 1],
};

export const storageNames: Readonly<Record<Dtype, string>> = {
  F64: 'DoubleStorage',
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
  I32: 'IntStorage',
  I16: 'ShortStorage',
  I8: 'CharStorage',
  U8: 'ByteStorage',
  BOOL: 'BoolStorage',
};

const torchDtypes: Readonly<Record<string, Dtype>> = {
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
};

const unheldDtypes = [
  ...['uint16', 'uint32', 'uint64', 'complex32', 'complex64', 'complex128', 'float8_e4m3fn'],
  ...['float8_e4m3fnuz', 'float8_e5m2', 'float8_e5m2fnuz', 'float8_e8m0fnu', 'float4_e2m1fn_x2'],
  ...['bits8', 'bits16', 'bits1x8', 'bits2x4', 'bits4x2', 'qint8', 'quint8', 'qint32', 'quint4x2'],
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [`int${bits}`, `uint${bits}`]),
];

const quantizers = [
  ...['per_tensor_affine', 'per_tensor_symmetric', 'per_channel_affine', 'per_channel_symmetric'],
  'per_channel_affine_float_qparams',
];

/** The dtype of a storage's elements, by PyTorch's name. */
export function kindOf({ name }: TorchStorageType): string {
  return unheldStorages[name]?.[0] ?? name;
}

function unheld(kind: string, size: PickleValue | undefined): UnheldTensor {
  return new UnheldTensor(kind, sizesOf(size, "a tensor's size"));
}

/** (storage, offset, size, stride, requires_grad, hooks, metadata), for v3 with dtype before metadata. */
function rebuildTensor(
  [storage, offset, size, stride]: Args,
  given: PickleValue | undefined,
  metadata: PickleValue | undefined,
  spend: Spend,
): TorchTensor | UnheldTensor {
  if (!(storage instanceof TorchStorage)) {
    return refuse(`a tensor's storage must be a storage, but is ${typeName(storage)}`);
  }
  const shape = sizesOf(size, "a tensor's size");
  const strides = sizesOf(stride, "a tensor's stride");
  spend(32 * shape.length);
  if (given !== undefined && !(given instanceof TorchDtype)) {
    return refuse(`dtype must be one, but is ${typeName(given)}`);
  }
  const { dtype } = given ?? storage.type;
  if (dtype === 'untyped') return refuse('a tensor of an untyped storage must say its dtype');
  if (dtype === null) return new UnheldTensor(given?.name ?? kindOf(storage.type), shape);
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
  return new TorchTensor(storage, dtype, begin, shape, strides, count, isNegated(metadata, dtype));
}

/** The bits that PyTorch keeps beside a view: 'neg' changes every sign, 'conj' means nothing to real numbers. */
function isNegated(metadata: PickleValue | undefined, dtype: Dtype): boolean {
  if (metadata === undefined || metadata === null) return false;
  if (!(metadata instanceof PickleDict)) {
    return refuse(`a tensor's metadata must be a dict, but is ${typeName(metadata)}`);
  }
  for (const [key, value] of metadata.entries) {
    if ((key !== 'neg' && key !== 'conj') || typeof value !== 'boolean') {
      const name = typeof key === 'string' ? key.slice(0, 40) : typeName(key);
      return refuse(`a tensor's metadata must be neg and conj, but has ${name}`);
    }
  }
  const negated = metadata.entries.get('neg') === true;
  if (negated && dtype === 'BOOL') return refuse('a tensor of truth values cannot be negative');
  return negated;
}

/** (data, requires_grad, hooks[, attributes]) */
function rebuildParameter([data]: Args): TorchTensor | UnheldTensor {
  if (data instanceof TorchTensor || data instanceof UnheldTensor) return data;
  return refuse(`a parameter must hold a tensor, but holds ${typeName(data)}`);
}

/** (data on the CPU, dtype, device, requires_grad): what lay on an XLA device. */
function fromCpu([data, dtype]: Args): TorchTensor | UnheldTensor {
  const tensor = rebuildParameter([data!]);
  if (!(dtype instanceof TorchDtype)) return refuse(`dtype must be one, but is ${typeName(dtype)}`);
  if (tensor instanceof UnheldTensor || tensor.dtype === dtype.dtype) return tensor;
  return refuse(`a tensor must be saved in its dtype, but is ${tensor.dtype} for ${dtype.name}`);
}

/** (function, type, arguments, state): a subclass of Tensor, or one with attributes. */
function rebuildFromType([rebuild, , args]: Args, spend: Spend): PickleValue {
  if (!(rebuild instanceof PickleGlobal) || !Object.hasOwn(tensorBuilders, rebuild.name)) {
    return refuse(`a tensor must be rebuilt by torch's own functions, not ${typeName(rebuild)}`);
  }
  return rebuild.call!(itemsOf(args, 'the arguments of a tensor'), spend);
}

/** What builds a tensor, by full name. */
const tensorBuilders: Readonly<Record<string, NonNullable<PickleGlobal['call']>>> = {
  'torch._utils._rebuild_tensor': (args, spend) => rebuildTensor(args, undefined, null, spend),
  'torch._utils._rebuild_tensor_v2': (args, spend) =>
    rebuildTensor(args, undefined, args[6], spend),
  'torch._utils._rebuild_tensor_v3': (args, spend) =>
    rebuildTensor(args, args[6] ?? null, args[7], spend),
  'torch._utils._rebuild_parameter': rebuildParameter,
  'torch._utils._rebuild_parameter_with_state': rebuildParameter,
  'torch.nn.parameter.Parameter': rebuildParameter,
  'torch._utils._rebuild_device_tensor_from_cpu_tensor': fromCpu,
  'torch._utils._rebuild_qtensor': ([, , size]) => unheld('quantized', size),
  'torch._utils._rebuild_sparse_tensor': ([, data]) =>
    unheld(
      'sparse',
      itemsOf(data, "a sparse tensor's data").find((item) => item instanceof PickleTuple),
    ),
  'torch._utils._rebuild_meta_tensor_no_storage': ([, size]) => unheld('meta', size),
  'torch._utils._rebuild_nested_tensor': () => new UnheldTensor('nested', []),
  'torch._utils._rebuild_wrapper_subclass': ([, , size]) => unheld('wrapper subclass', size),
  'torch._utils._rebuild_device_tensor_from_numpy': () => new UnheldTensor('NumPy', []),
  'torch._utils._rebuild_xla_tensor': () => new UnheldTensor('NumPy', []),
};

/** What rebuilds a subclass of Tensor by one of those, and never by itself. */
const FROM_TYPE = 'torch._tensor._rebuild_from_type_v2';

/** Whether what a name builds is a tensor. */
export function buildsTensor(name: string): boolean {
  return name === FROM_TYPE || Object.hasOwn(tensorBuilders, name);
}

/** torch's names of tensors, storages and dtypes. */
export const torchGlobals: readonly (readonly [name: string, value: PickleValue])[] = [
  ...Object.entries(tensorBuilders).map(
    ([name, call]) => [name, new PickleGlobal(name, call)] as const,
  ),
  [FROM_TYPE, new PickleGlobal(FROM_TYPE, rebuildFromType)],
  ...Object.entries(torchDtypes).map(
    ([name, dtype]) => [`torch.${name}`, new TorchDtype(name, dtype)] as const,
  ),
  ...unheldDtypes.map((name) => [`torch.${name}`, new TorchDtype(name, null)] as const),
  ...[
    ...(Object.entries(storageNames) as [Dtype, string][]).map(
      ([dtype, name]) => new TorchStorageType(name, dtype, dtypes[dtype].bytes),
    ),
    ...Object.entries(unheldStorages).map(
      ([name, [, width]]) => new TorchStorageType(name, null, width),
    ),
  ].flatMap((type) => [
    [`torch.${type.name}`, type] as const,
    [`torch.cuda.${type.name}`, type] as const,
  ]),
  ['torch.storage.UntypedStorage', new TorchStorageType('UntypedStorage', 'untyped', 1)],
  // Names that stand beside a tensor, or for themselves, and are not built.
  ...[
    'torch.Tensor',
    'torch.nn.parameter.Buffer',
    ...quantizers.map((name) => `torch.${name}`),
  ].map((name) => [name, new PickleGlobal(name)] as const),
];
