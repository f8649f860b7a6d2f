/** Files of weights in either format, and checkpoints in several files with an index. */
import { invalid } from '../lib/validate';
import { whatItIs } from './beginning';
import { asBytes, type CheckpointFile, sourceOf } from './byte_source';
import { CheckpointError } from './checkpoint_error';
import { openSafetensors } from './safetensors';
import type { LazyStateDict } from './state_dict';
import {
  type OpenedTorchCheckpoint,
  openTorchCheckpoint,
  type TorchReadOptions,
} from './torch_checkpoint';
import { BEGINNING, beginsAsTorch } from './torch_file/open';

/** A checkpoint in either format, whose tensors are read one by one on demand. */
export interface OpenedCheckpoint extends OpenedTorchCheckpoint {
  format: 'torch' | 'safetensors';
}

/** A JSON text of more than this is no index; a checkpoint of a thousand files has some 10 MB. */
const MAX_INDEX = 2 ** 26;

/**
 * Opens a file of weights, a PyTorch checkpoint or safetensors, recognized by its content. Rejects with a
 * CheckpointError if it is neither.
 *
 * ```ts
 * const { format, stateDict, meta } = await openCheckpoint(input.files[0]);
 * ```
 */
export async function openCheckpoint(
  file: CheckpointFile,
  options: TorchReadOptions = {},
): Promise<OpenedCheckpoint> {
  const source = await sourceOf(file);
  const start = await source.read(0, Math.min(BEGINNING, source.size));
  // A safetensors file has its header's length in 8 bytes, and then the header's brace.
  if (start[8] === 0x7b && !beginsAsTorch(start) && start[0] !== 0x7b) {
    const { stateDict, metadata } = await openSafetensors(source);
    return { format: 'safetensors', stateDict, key: '', meta: metaOf(metadata) };
  }
  return { format: 'torch', ...(await openTorchCheckpoint(source, options)) };
}

/** What a writer of safetensors says besides: texts, of which `args` may be a record in JSON. */
function metaOf({ format: _, ...texts }: Record<string, string>): Record<string, unknown> {
  const meta: Record<string, unknown> = Object.assign(Object.create(null), texts);
  try {
    const args: unknown = JSON.parse(texts.args ?? 'null');
    if (typeof args === 'object' && args !== null) meta.args = args;
  } catch {
    // A text that is no JSON stays the text.
  }
  return meta;
}

/** Opens one file of a checkpoint in several, by its name in the index. */
export type OpenShard = (name: string) => CheckpointFile | Promise<CheckpointFile>;

/**
 * Opens a checkpoint in several files by its index (model.safetensors.index.json, pytorch_model.bin.index.json). Files
 * are opened as the index names them; a CheckpointError reports one that does not hold its tensors.
 *
 * ```ts
 * const { stateDict } = await openShardedCheckpoint(await index.arrayBuffer(), (name) => files[name]);
 * ```
 */
export async function openShardedCheckpoint(
  index: CheckpointFile | Uint8Array | ArrayBuffer,
  openShard: OpenShard,
  options: TorchReadOptions = {},
): Promise<OpenedCheckpoint> {
  if (typeof openShard !== 'function') throw invalid('openShard', 'a function', openShard);
  const weightMap = parseIndex(await bytesOf(index));
  const shards = new Map<string, OpenedCheckpoint>();
  for (const name of new Set(weightMap.values())) {
    shards.set(name, await openCheckpoint(await openShard(name), options));
  }
  const stateDict: LazyStateDict = Object.create(null);
  for (const [key, name] of weightMap) {
    const tensor = shards.get(name)!.stateDict[key];
    if (!tensor)
      throw new CheckpointError(
        `the index places ${shown(key)} in ${name}, which does not have it`,
      );
    stateDict[key] = tensor;
  }
  for (const [name, shard] of shards) {
    const other = Object.keys(shard.stateDict).find((key) => weightMap.get(key) !== name);
    if (other !== undefined) {
      throw new CheckpointError(`${name} has ${shown(other)}, which the index does not have there`);
    }
  }
  const [first] = shards.values();
  return { format: first!.format, stateDict, key: '', meta: first!.meta };
}

async function bytesOf(index: CheckpointFile | Uint8Array | ArrayBuffer): Promise<Uint8Array> {
  if (ArrayBuffer.isView(index) || index instanceof ArrayBuffer) return asBytes(index);
  const source = await sourceOf(index);
  if (source.size > MAX_INDEX)
    throw new CheckpointError(`an index must have at most ${MAX_INDEX} bytes`);
  return source.read(0, source.size);
}

/** The file of each tensor. */
function parseIndex(bytes: Uint8Array): Map<string, string> {
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new CheckpointError(
      `the index of a checkpoint must be JSON, but this ${whatItIs(bytes)}`,
    );
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Object.keys(map).length === 0) {
    throw new CheckpointError('the index of a checkpoint must have a weight_map with names in it');
  }
  const entries = Object.entries(map);
  for (const [key, name] of entries) {
    if (key === '__proto__') throw new CheckpointError('a tensor must not be named "__proto__"');
    if (typeof name !== 'string' || !/^[^/\\:\0]{1,255}$/.test(name) || /^\.+$/.test(name)) {
      throw new CheckpointError(
        `weight_map must have names of files beside the index, but has ${shown(String(name))} for ${shown(key)}`,
      );
    }
  }
  return new Map(entries);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
