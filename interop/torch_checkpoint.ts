/**
 * Reads PyTorch checkpoints without Python: files by torch.save in either format, as timm's and the authors' scripts
 * write them. Nothing in a file is executed.
 */

import { checkKeys, checkOneOf, invalid } from '../lib/validate';
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
import { type PickleDict, type PickleValue, TorchTensor, typeName } from './torch_file/values';
import { findAveraged, findWeights, isExtraState, without } from './torch_file/weights';

/** Options of `readTorchCheckpoint` and `openTorchCheckpoint`. */
export interface TorchReadOptions {
  /**
   * How to treat a class that is not on the list of known ones: 'error' (default), or 'opaque': a record
   * `{unknownClass: 'module.Name'}` in `meta`, with `items` if it is a dict's. With 'opaque', non-tensors among the
   * weights go to `extraState`. In both cases it is neither imported nor run.
   */
  unknownClasses?: 'error' | 'opaque';
  /**
   * The keys that lead to the weights, with dots between: 'net', 'checkpoint.model'. Default:
   * 'state_dict' or 'model', else the only state dict in the file.
   */
  key?: string;
}

/** A checkpoint, its tensors of type `Tensor`. */
interface Parts<Tensors> {
  /** The weights, under the authors' names, without DataParallel's or torch.compile's prefixes. */
  stateDict: Tensors;
  /** The averaged weights, if there are any. */
  stateDictEma?: Tensors;
  /** The keys that led to the weights, with dots between; '' if they are the whole file. */
  key: string;
  /** Non-tensors among the weights, which modules store by get_extra_state, by name. */
  extraState?: Record<string, unknown>;
  /** Everything else: epoch, arch, args, metric, optimizer, ...; a dict without text keys is a Map. */
  meta: Record<string, unknown>;
}

/** A checkpoint in memory. */
export type TorchCheckpoint = Parts<StateDict>;

/** A checkpoint whose tensors are read one by one on demand. */
export type OpenedTorchCheckpoint = Parts<LazyStateDict>;

/** A checkpoint's tensors together, against the file's length: shared and expanded ones repeat. */
const MAX_REPEATS = 4;
const SLACK = 2 ** 26;

/**
 * Reads a checkpoint by torch.save. Tensors are views of `bytes` if they are in order and aligned there, else copies:
 * copy `data` before you change either.
 *
 * ```ts
 * const { stateDict, stateDictEma, meta } = readTorchCheckpoint(bytes);
 * ```
 *
 * Throws a CheckpointError, with the offset if known, on a damaged file and on anything that is not on the list of what
 * a checkpoint may hold.
 */
export function readTorchCheckpoint(
  bytes: Uint8Array | ArrayBuffer,
  options: TorchReadOptions = {},
): TorchCheckpoint {
  const whole = asBytes(bytes);
  const file = readNow(openTorchFile(whole.length, isOpaque(options)), whole);
  return split(file, whole.length, options, (tensor) => readNow(readTensor(file, tensor), whole));
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
    options,
    (tensor): LazyTensor => ({
      shape: tensor.shape,
      dtype: tensor.dtype,
      read: () => readLater(readTensor(opened, tensor) as Reading<StateTensor>, source),
    }),
  );
}

function isOpaque(options: TorchReadOptions): boolean {
  checkKeys('readTorchCheckpoint', options, ['unknownClasses', 'key']);
  const { unknownClasses = 'error', key } = options;
  if (key !== undefined && typeof key !== 'string') throw invalid('key', 'a text', key);
  checkOneOf('unknownClasses', unknownClasses, ['error', 'opaque']);
  return unknownClasses === 'opaque';
}

/** Finds the weights in what a script saved; `load` says what stands for a tensor. */
function split<Tensor>(
  { value }: TorchFile,
  size: number,
  { key, unknownClasses }: TorchReadOptions,
  load: (tensor: TorchTensor) => Tensor,
): Parts<Record<string, Tensor>> {
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
  const weights = findWeights(value, key);
  const averaged = findAveraged(value, weights.path);
  const extra: Record<string, unknown> = Object.create(null);
  const tensorsIn = ({ path, dict }: typeof weights) => {
    const what = path.join('.') || 'the state dict';
    const rest = (name: string, item: PickleValue): void => {
      if (unknownClasses !== 'opaque' && !isExtraState(name)) {
        throw new CheckpointError(`${what}: ${name} must be a tensor, but is ${typeName(item)}`);
      }
      // That of averaged weights is the same module's.
      if (dict === weights.dict) extra[name] = toPlain(item, tensor);
    };
    return tensorsOf(dict, what, tensor, rest);
  };
  const stateDict = tensorsIn(weights);
  const stateDictEma = averaged && tensorsIn(averaged);
  const paths = [weights.path, ...(averaged ? [averaged.path] : [])];
  const meta = weights.path.length === 0 ? new Map() : toPlain(without(value, paths), tensor);
  return {
    stateDict,
    ...(stateDictEma && { stateDictEma }),
    key: weights.path.join('.'),
    ...(Object.keys(extra).length > 0 && { extraState: extra }),
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
  /** Takes what is no tensor, or refuses it. */
  rest: (name: string, value: PickleValue) => void,
): Record<string, Tensor> {
  const result = emptyStateDict() as Record<string, never> as Record<string, Tensor>;
  const prefixed = [...dict.entries.keys()].every((key) => PREFIX.test(String(key)));
  for (const [key, value] of dict.entries) {
    const name = nameOf(key, value, what);
    const clean = prefixed ? name.replace(PREFIX, '') : name;
    if (clean in result) throw new CheckpointError(`${what}: ${clean} comes twice`);
    if (value instanceof TorchTensor) result[clean] = tensor(value);
    else rest(clean, value);
  }
  return result;
}

function nameOf(key: PickleValue, value: PickleValue, what: string): string {
  if (typeof key === 'string' && key !== '__proto__') return key;
  throw new CheckpointError(
    `${what}: a name must be a text other than __proto__, but one of ${typeName(value)} is ` +
      (typeof key === 'string' ? key : typeName(key)),
  );
}
