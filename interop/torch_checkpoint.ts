/**
 * PyTorch checkpoints, read without Python: what torch.save wrote, in either of its formats, as
 * timm's and the authors' scripts leave it. Nothing in a file is executed.
 */

import { checkKeys, checkOneOf } from '../lib/validate';
import {
  asBytes,
  type CheckpointFile,
  type Reading,
  readLater,
  readNow,
  sourceOf,
} from './byte_source';
import { CheckpointError } from './checkpoint_error';
import {
  emptyStateDict,
  type LazyStateDict,
  type LazyTensor,
  type StateDict,
  type StateTensor,
} from './state_dict';
import { openTorchFile, type TorchFile } from './torch_file/open';
import { toPlain } from './torch_file/plain';
import { costOf, readTensor } from './torch_file/tensor';
import {
  PickleDict,
  type PickleKey,
  type PickleValue,
  TorchTensor,
  typeName,
} from './torch_file/values';

export interface TorchReadOptions {
  /**
   * What a class that is not on the list of known ones is: 'error' (default), or 'opaque': a record
   * `{unknownClass: 'module.Name'}` in `meta`. Either way it is neither imported nor run.
   */
  unknownClasses?: 'error' | 'opaque';
}

/** A checkpoint, its tensors of type `Tensor`. */
interface Parts<Tensors> {
  /** The weights, under the authors' names, without DataParallel's or torch.compile's prefixes. */
  stateDict: Tensors;
  /** The averaged weights, where there are any. */
  stateDictEma?: Tensors;
  /** All else: epoch, arch, args, metric, optimizer, ...; a dict without text keys is a Map. */
  meta: Record<string, unknown>;
}

/** A checkpoint in memory. */
export type TorchCheckpoint = Parts<StateDict>;

/** A checkpoint whose tensors are read one by one, when they are asked for. */
export type OpenedTorchCheckpoint = Parts<LazyStateDict>;

/** Where scripts put the weights, timm's name first; and the averaged ones. */
const STATE_KEYS = ['state_dict', 'model'];
const EMA_KEYS = ['state_dict_ema', 'model_ema'];
/** A checkpoint's tensors together, against the file's length: shared and expanded ones repeat. */
const MAX_REPEATS = 4;
const SLACK = 2 ** 26;

/**
 * Reads a checkpoint by torch.save. Tensors are views of `bytes` where they lie there in order and
 * aligned, copies elsewhere: copy `data` before changing either.
 *
 * ```ts
 * const { stateDict, stateDictEma, meta } = readTorchCheckpoint(bytes);
 * ```
 *
 * Throws a CheckpointError, with the offset where it can be said, on a damaged file and on anything
 * that is not on the list of what a checkpoint may hold.
 */
export function readTorchCheckpoint(
  bytes: Uint8Array | ArrayBuffer,
  options: TorchReadOptions = {},
): TorchCheckpoint {
  const whole = asBytes(bytes);
  const file = readNow(openTorchFile(whole.length, isOpaque(options)), whole);
  return split(file, whole.length, (tensor) => readNow(readTensor(file, tensor), whole));
}

/**
 * Opens a checkpoint of any size: only its description is read, and each tensor when its `read()` is
 * called. `file` is a Blob or File, an open file of Node's `fs/promises` (it must stay open), or
 * `{size, read(begin, end)}`.
 *
 * ```ts
 * const { stateDict } = await openTorchCheckpoint(input.files[0]);
 * const { shape, data } = await stateDict['head.weight'].read();
 * ```
 *
 * Rejects as readTorchCheckpoint throws; a tensor's own damage shows when it is read.
 */
export async function openTorchCheckpoint(
  file: CheckpointFile,
  options: TorchReadOptions = {},
): Promise<OpenedTorchCheckpoint> {
  const source = await sourceOf(file);
  const opened = await readLater(openTorchFile(source.size, isOpaque(options)), source);
  return split(
    opened,
    source.size,
    (tensor): LazyTensor => ({
      shape: tensor.shape,
      dtype: tensor.dtype,
      read: () => readLater(readTensor(opened, tensor) as Reading<StateTensor>, source),
    }),
  );
}

function isOpaque(options: TorchReadOptions): boolean {
  checkKeys('readTorchCheckpoint', options, ['unknownClasses']);
  const { unknownClasses = 'error' } = options;
  checkOneOf('unknownClasses', unknownClasses, ['error', 'opaque']);
  return unknownClasses === 'opaque';
}

/** Finds the weights in what a script saved; `load` says what stands for a tensor. */
function split<Tensor>(
  { value }: TorchFile,
  size: number,
  load: (tensor: TorchTensor) => Tensor,
): Parts<Record<string, Tensor>> {
  if (!(value instanceof PickleDict)) {
    throw new CheckpointError(`a checkpoint must be a dict, but is ${typeName(value)}`);
  }
  const budget = MAX_REPEATS * size + SLACK;
  let cost = 0;
  const tensor = (tensor: TorchTensor): Tensor => {
    cost += costOf(tensor);
    if (cost > budget) {
      throw new CheckpointError(
        `its tensors together have more than ${budget} bytes, in a file of ${size}`,
      );
    }
    return load(tensor);
  };
  const entries = value.entries;
  const stateKey = STATE_KEYS.find((key) => entries.get(key) instanceof PickleDict);
  if (stateKey === undefined) {
    if (entries.size > 0 && [...entries.values()].every((item) => item instanceof TorchTensor)) {
      return { stateDict: tensorsOf(value, 'the state dict', tensor), meta: Object.create(null) };
    }
    const keys = [...entries.keys()].slice(0, 12).map((key) => String(key).slice(0, 40));
    throw new CheckpointError(
      `a checkpoint must hold tensors, or a dict of them as ${STATE_KEYS.join(' or ')}, but it holds ` +
        (keys.length > 0 ? keys.join(', ') : 'nothing'),
    );
  }
  const emaKey = EMA_KEYS.find((key) => entries.get(key) instanceof PickleDict);
  const rest = new PickleDict();
  for (const [key, item] of entries) {
    if (key !== stateKey && key !== emaKey) rest.entries.set(key, item);
  }
  const stateDictOf = (key: string) => tensorsOf(entries.get(key) as PickleDict, key, tensor);
  const meta = toPlain(rest, tensor);
  return {
    stateDict: stateDictOf(stateKey),
    ...(emaKey !== undefined && { stateDictEma: stateDictOf(emaKey) }),
    meta: (meta instanceof Map
      ? Object.assign(Object.create(null), Object.fromEntries(meta))
      : meta) as Record<string, unknown>,
  };
}

/** What DataParallel and torch.compile put before every key. */
const PREFIX = /^(?:(?:module|_orig_mod)\.)+/;

function tensorsOf<Tensor>(
  dict: PickleDict,
  what: string,
  tensor: (tensor: TorchTensor) => Tensor,
): Record<string, Tensor> {
  const result = emptyStateDict() as Record<string, never> as Record<string, Tensor>;
  const prefixed = [...dict.entries.keys()].every((key) => PREFIX.test(String(key)));
  for (const [key, value] of dict.entries) {
    const name = nameOf(key, value, what);
    if (!(value instanceof TorchTensor)) {
      throw new CheckpointError(`${what}: ${name} must be a tensor, but is ${typeName(value)}`);
    }
    const clean = prefixed ? name.replace(PREFIX, '') : name;
    if (clean in result) throw new CheckpointError(`${what}: ${clean} comes twice`);
    result[clean] = tensor(value);
  }
  return result;
}

function nameOf(key: PickleKey, value: PickleValue, what: string): string {
  if (typeof key === 'string' && key !== '__proto__') return key;
  throw new CheckpointError(
    `${what}: a name must be a text other than __proto__, but one of ${typeName(value)} is ` +
      (typeof key === 'string' ? key : typeName(key)),
  );
}
