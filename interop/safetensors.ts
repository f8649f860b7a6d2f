/**
 * Reads and writes the safetensors format: eight bytes of header length, a JSON header, and the tensors' bytes one
 * after another, little-endian (github.com/huggingface/safetensors). Files may be hostile: everything is checked before
 * use, and no memory is allocated on a file's word.
 */

import {
  checkName,
  type Header,
  type HeaderEntry,
  parseHeader,
  quote,
  SafetensorsError,
} from './_safetensors_header';
import { whatItIs } from './beginning';
import {
  asBytes,
  type CheckpointFile,
  type Reading,
  readLater,
  readNow,
  sourceOf,
} from './byte_source';
import {
  type Dtype,
  dtypeNames,
  dtypes,
  elementCount,
  emptyStateDict,
  isDtype,
  type LazyStateDict,
  type StateDict,
  type StateDictLike,
  type StateTensor,
  type StateTensorLike,
  tensorAt,
} from './state_dict';

export { SafetensorsError };

/** The format's own limit on the header, in bytes. */
const MAX_HEADER = 100_000_000;

/**
 * Reads every tensor of a safetensors file. Tensors are views of `bytes` if their alignment allows it, else copies:
 * copy `data` before you change either. `__metadata__` is left out (see readSafetensorsMetadata). Throws a
 * SafetensorsError if the bytes are not such a file.
 *
 * ```ts
 * const {shape, dtype, data} = readSafetensors(bytes)['head.weight'];
 * ```
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer): StateDict {
  const { file, header, dataStart } = open(bytes);
  checkLayout(header.entries, file.length - dataStart);
  const tensors = emptyStateDict();
  for (const entry of header.entries) {
    const { dtype, count } = checkEntry(entry);
    tensors[entry.name] = tensorAt(file, dataStart + entry.begin, dtype, entry.shape, count);
  }
  return tensors;
}

/**
 * Opens a safetensors file of any size: it reads the header now, and each tensor when its `read()` is called. `file` is
 * a Blob or File, an open file of Node's `fs/promises`, or `{size, read(begin, end)}`.
 */
export async function openSafetensors(
  file: CheckpointFile,
): Promise<{ stateDict: LazyStateDict; metadata: Record<string, string> }> {
  const source = await sourceOf(file);
  const { header, dataStart } = await readLater(readHeader(source.size), source);
  checkLayout(header.entries, source.size - dataStart);
  const stateDict = Object.create(null) as LazyStateDict;
  for (const entry of header.entries) {
    const { dtype, count } = checkEntry(entry);
    const [begin, end] = [dataStart + entry.begin, dataStart + entry.end];
    stateDict[entry.name] = {
      shape: entry.shape,
      dtype,
      read: async () => tensorAt(await source.read(begin, end), 0, dtype, entry.shape, count),
    };
  }
  return { stateDict, metadata: header.metadata };
}

/** The `__metadata__` texts of a safetensors file; empty if there are none. */
export function readSafetensorsMetadata(bytes: Uint8Array | ArrayBuffer): Record<string, string> {
  return open(bytes).header.metadata;
}

/**
 * Writes tensors as a safetensors file, laid out like the reference writer's: by dtype, then by name, each aligned. All
 * bits are preserved, even those of NaNs. Throws a SafetensorsError if a tensor's data does not fit its shape and
 * dtype.
 */
export function writeSafetensors(
  tensors: StateDictLike,
  metadata?: Record<string, string>,
): Uint8Array<ArrayBuffer> {
  const named = Object.keys(tensors).map(
    (name) => [name, checkTensor(name, tensors[name])] as const,
  );
  const rank = (tensor: StateTensor) => dtypeNames.indexOf(tensor.dtype);
  named.sort(([a, x], [b, y]) => rank(x) - rank(y) || compareText(a, b));

  const parts: string[] = metadata ? [`"__metadata__":${metadataJson(metadata)}`] : [];
  let end = 0;
  for (const [name, { dtype, shape, data }] of named) {
    const begin = end;
    end += data.byteLength;
    const entry = { dtype, shape: [...shape], data_offsets: [begin, end] };
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  if (headerLength > MAX_HEADER) {
    throw new SafetensorsError(
      `header must have at most ${MAX_HEADER} bytes, but got ${headerLength}`,
    );
  }

  const file = new Uint8Array(8 + headerLength + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, 8, 8 + headerLength);
  file.set(json, 8);
  let at = 8 + headerLength;
  for (const [, { data }] of named) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/** Reads and parses the header of a file of `size` bytes. */
function* readHeader(size: number): Reading<{ header: Header; dataStart: number }> {
  if (size < 8) {
    throw new SafetensorsError(
      `a safetensors file must begin with 8 bytes of header length, but has ${size} bytes`,
    );
  }
  const start = yield { begin: 0, end: 8 };
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  const limit = Math.min(size - 8, MAX_HEADER);
  if (length > BigInt(limit)) {
    // Longer than the file: it is of another kind.
    const start = length > BigInt(size) ? yield { begin: 0, end: Math.min(512, size) } : null;
    throw new SafetensorsError(
      `header length must be at most ${limit} in a file of ${size} bytes, but got ${length}` +
        (start ? `: this ${whatItIs(start)}` : ''),
    );
  }
  const dataStart = 8 + Number(length);
  return { header: parseHeader(decode(yield { begin: 8, end: dataStart })), dataStart };
}

function open(bytes: Uint8Array | ArrayBuffer) {
  const file = toBytes(bytes);
  return { file, ...readNow(readHeader(file.length), file) };
}

function toBytes(bytes: Uint8Array | ArrayBuffer): Uint8Array {
  try {
    return asBytes(bytes);
  } catch (error) {
    throw new SafetensorsError((error as Error).message);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SafetensorsError('header must be valid UTF-8, but has bytes that are not');
  }
}

/** The tensors must cover the data exactly: no overlap, no gap, nothing left over. */
function checkLayout(entries: readonly HeaderEntry[], available: number): void {
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of ordered) {
    const who = `data_offsets of tensor ${quote(name)}`;
    if (end < begin) {
      throw new SafetensorsError(`${who} must not run backwards, but got [${begin}, ${end}]`);
    }
    if (end > available) {
      throw new SafetensorsError(
        `${who} must end within the ${available} bytes of data, but got [${begin}, ${end}]`,
      );
    }
    if (begin !== position) {
      const problem = begin < position ? 'overlap another tensor' : 'leave a gap';
      throw new SafetensorsError(
        `${who} must begin at ${position}, but got [${begin}, ${end}]: they ${problem}`,
      );
    }
    position = end;
  }
  if (position !== available) {
    throw new SafetensorsError(
      `the tensors must cover all ${available} bytes of data, but end at ${position}`,
    );
  }
}

/** An entry's dtype and number of elements, which must fill its bytes. */
function checkEntry(entry: HeaderEntry): { dtype: Dtype; count: number } {
  const { name, dtype, shape, begin, end } = entry;
  if (!isDtype(dtype)) {
    throw new SafetensorsError(
      `dtype of tensor ${quote(name)} must be one of ${dtypeNames.join(', ')}, but got ${quote(dtype)}`,
    );
  }
  const count = elementCount(shape);
  if (count === undefined || count * dtypes[dtype].bytes !== end - begin) {
    throw new SafetensorsError(
      `tensor ${quote(name)}, ${dtype} of shape [${shape}], must have ` +
        `${count === undefined ? 'fewer than 2^53 elements' : `${count * dtypes[dtype].bytes} bytes`}, ` +
        `but its data_offsets give it ${end - begin} bytes`,
    );
  }
  return { dtype, count };
}

/** A tensor to be written, its dtype filled in, its data fitting shape and dtype. */
export function checkTensor(name: string, tensor: StateTensorLike): StateTensor {
  checkName('a tensor', name);
  if (name === '__metadata__') {
    throw new SafetensorsError('a tensor must not be named "__metadata__", which holds texts');
  }
  const who = `tensor ${quote(name)}`;
  const { shape, data, dtype = 'F32' } = tensor;
  if (!isDtype(dtype)) {
    throw new SafetensorsError(
      `dtype of ${who} must be one of ${dtypeNames.join(', ')}, but got ${JSON.stringify(dtype)}`,
    );
  }
  const received = Object.prototype.toString.call(data).slice(8, -1);
  if (received !== dtypes[dtype].array) {
    throw new SafetensorsError(
      `data of ${who} must be a ${dtypes[dtype].array} for ${dtype}, but got ${received}`,
    );
  }
  const count = Array.isArray(shape) ? elementCount(shape) : undefined;
  if (count !== data.length) {
    throw new SafetensorsError(
      `shape of ${who} must hold the ${data.length} elements of its data, but got ${JSON.stringify(shape)}`,
    );
  }
  return { shape, dtype, data } as StateTensor;
}

function metadataJson(metadata: Record<string, string>): string {
  for (const [key, value] of Object.entries(metadata)) {
    checkName('a key of __metadata__', key);
    if (typeof value !== 'string') {
      throw new SafetensorsError(
        `__metadata__ must hold texts, but ${quote(key)} is a ${typeof value}`,
      );
    }
  }
  return JSON.stringify(metadata);
}

/** By code points, as the reference writer sorts names. */
function compareText(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let i = 0; i < x.length && i < y.length; i++) {
    if (x[i] !== y[i]) return x[i].codePointAt(0)! - y[i].codePointAt(0)!;
  }
  return x.length - y.length;
}
