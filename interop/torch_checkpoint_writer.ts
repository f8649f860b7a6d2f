/**
 * PyTorch checkpoints, written: a zip archive as torch.save's, of tensors and plain containers only,
 * so that torch.load(weights_only=True) takes it, and timm's and the authors' scripts do.
 */
import { checkKeys, checkOneOf } from '../lib/validate';
import { CheckpointError } from './checkpoint_error';
import type { StateDictLike } from './state_dict';
import { OrderedTensors, PickleWriter } from './torch_file/pickle_writer';
import { writeZip } from './torch_file/zip_writer';

/** Options of `writeTorchCheckpoint`. */
export interface TorchWriteOptions {
  /**
   * Where the weights go: 'state_dict' (default, timm's), 'model' (the authors' event scripts), or
   * null: the file holds nothing but the weights.
   */
  stateDictKey?: 'state_dict' | 'model' | null;
  /** Averaged weights, beside them as `state_dict_ema` or `model_ema`. */
  stateDictEma?: StateDictLike;
  /** What is no tensor among the weights, by name, as readTorchCheckpoint returns it. */
  extraState?: Readonly<Record<string, unknown>>;
}

/**
 * Writes a checkpoint. `meta` becomes its other entries (epoch, arch, args, ...): texts, numbers (whole
 * ones become ints), booleans, null, arrays (lists), records and Maps (dicts), Sets, tensors. timm's
 * `args`, a Namespace, is written as a dict: weights_only allows no other class. Bits are kept.
 *
 * ```ts
 * const bytes = writeTorchCheckpoint(toTorchStateDict(model), { epoch: 300, arch: 'vitsnn' });
 * ```
 *
 * Throws a CheckpointError where a tensor's data does not fit its shape and dtype, where `meta` holds
 * anything else, and past 4 GiB.
 */
export function writeTorchCheckpoint(
  stateDict: StateDictLike,
  meta: Record<string, unknown> = {},
  options: TorchWriteOptions = {},
): Uint8Array<ArrayBuffer> {
  checkKeys('writeTorchCheckpoint', options, ['stateDictKey', 'stateDictEma', 'extraState']);
  const { stateDictKey = 'state_dict', stateDictEma, extraState } = options;
  if (stateDictKey !== null) checkOneOf('stateDictKey', stateDictKey, ['state_dict', 'model']);
  const writer = new PickleWriter();
  const weights = new OrderedTensors(stateDict, extraState);
  const pickle = writer.write(content(weights, meta, stateDictKey, stateDictEma));
  const text = (content: string) => new TextEncoder().encode(content);
  return writeZip([
    { name: 'archive/data.pkl', data: pickle },
    { name: 'archive/byteorder', data: text('little') },
    ...writer.storages.map(({ data }, i) => ({
      name: `archive/data/${i}`,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    })),
    { name: 'archive/version', data: text('3\n') },
  ]);
}

function content(
  weights: OrderedTensors,
  meta: Record<string, unknown>,
  key: 'state_dict' | 'model' | null,
  ema: StateDictLike | undefined,
): unknown {
  if (key === null) {
    if (ema || Object.keys(meta).length > 0) {
      throw new CheckpointError('a file of weights alone has no place for meta or stateDictEma');
    }
    return weights;
  }
  const own = ['state_dict', 'model', 'state_dict_ema', 'model_ema'].filter((k) => k in meta);
  if (own.length > 0) throw new CheckpointError(`meta must not have ${own.join(', ')}`);
  const entries = new Map<string, unknown>([[key, weights]]);
  if (ema) entries.set(`${key}_ema`, new OrderedTensors(ema));
  for (const [name, value] of Object.entries(meta)) entries.set(name, value);
  return entries;
}
