/** What an unpickled file is made of before it becomes plain JavaScript. */
import type { Dtype } from '../state_dict';

/** Anything on the unpickler's stack. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleSet
  | PickleRecord
  | PickleComplex
  | PickleGlobal
  | PickleOpaque
  | TorchDtype
  | TorchStorageType
  | TorchStorage
  | TorchTensor
  | UnheldTensor
  | NumpyDtype;

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

export class PickleList {
  readonly items: PickleValue[] = [];
}

/** dict, OrderedDict, defaultdict, Counter. */
export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();
}

export class PickleSet {
  readonly items = new Set<PickleValue>();
}

/** An object that is nothing but its attributes: argparse.Namespace. */
export class PickleRecord {
  readonly attributes = new PickleDict();
}

/** Python's complex. */
export class PickleComplex {
  constructor(
    readonly real: number,
    readonly imag: number,
  ) {}
}

/** A name from the allow-list, with what stands for it here. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    /** What calling it builds. */
    readonly call?: (args: readonly PickleValue[], spend: (bytes: number) => void) => PickleValue,
  ) {}
}

/** A name that is not on the allow-list, or what was built from one: nothing ran. */
export class PickleOpaque {
  /** Items that were set, as those of a subclass of dict. */
  items: PickleDict | null = null;
  constructor(readonly className: string) {}
}

/** An element type, by PyTorch's name; null where no state dict here can hold it. */
export class TorchDtype {
  constructor(
    readonly name: string,
    readonly dtype: Dtype | null,
  ) {}
}

/** torch.FloatStorage and its like. */
export class TorchStorageType {
  constructor(
    readonly name: string,
    /** That of an UntypedStorage is its tensors'; null where no state dict here can hold it. */
    readonly dtype: Dtype | 'untyped' | null,
    /** Bytes an element. */
    readonly width: number,
  ) {}
}

/** Numbers in the file, not yet read. */
export class TorchStorage {
  constructor(
    readonly key: string,
    readonly type: TorchStorageType,
    /** Length in bytes. */
    readonly bytes: number,
    /** Where it lay when it was saved: 'cpu', 'cuda:0'. */
    readonly location: string,
  ) {}
}

/** A view of a storage; offset and strides in elements. */
export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: Dtype,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
    readonly count: number,
    /** Whether its numbers are those of the storage with their sign changed: PyTorch's negative bit. */
    readonly negated = false,
  ) {}
}

/** A tensor that no state dict here can hold: complex, sparse, quantized, without numbers. */
export class UnheldTensor {
  constructor(
    readonly kind: string,
    readonly shape: readonly number[],
  ) {}
}

/** NumPy's description of an element, for the scalars that training scripts leave behind. */
export class NumpyDtype {
  littleEndian = true;
  constructor(readonly code: string) {}
}

/** A value's type in Python's words, for messages. */
export function typeName(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (typeof value === 'bigint') return 'int';
  if (value instanceof PickleTuple) return 'tuple';
  if (value instanceof PickleList) return 'list';
  if (value instanceof PickleDict) return 'dict';
  if (value instanceof PickleSet) return 'set';
  if (value instanceof PickleRecord) return 'Namespace';
  if (value instanceof PickleComplex) return 'complex';
  if (value instanceof PickleGlobal) return `the name ${value.name}`;
  if (value instanceof PickleOpaque) return `an unknown ${value.className}`;
  if (value instanceof TorchTensor) return 'Tensor';
  if (value instanceof UnheldTensor) return `a ${value.kind} tensor`;
  if (value instanceof TorchStorage || value instanceof TorchStorageType) return 'Storage';
  return value instanceof Uint8Array ? 'bytes' : 'dtype';
}
