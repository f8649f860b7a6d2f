/** Pickles and archives put together by hand, as no torch.save would write them. */
import { writeZip } from '../../interop/torch_file/zip_writer';

/** Bytes of texts (a character a byte) and numbers. */
export function bytes(...parts: (string | number | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'number') return [part];
      return typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : [...part];
    }),
  );
}

export function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** BINUNICODE */
export function text(value: string): Uint8Array {
  return bytes('X', uint32(value.length), value);
}

/** An integer of 8 bytes: LONG1. */
export function long(value: bigint): Uint8Array {
  return bytes(0x8a, 8, new Uint8Array(BigInt64Array.of(value).buffer));
}

/** A tensor in the zip format: by default two float32 in storage '0'. */
export function tensor({
  type = 'FloatStorage',
  key = '0',
  elements = 2n,
  offset = 0n,
  shape = [2n],
  strides = [1n],
  id = 'storage',
  location = 'cpu',
}: {
  type?: string;
  key?: string;
  elements?: bigint;
  offset?: bigint;
  shape?: bigint[];
  strides?: bigint[];
  id?: string;
  location?: string;
} = {}): Uint8Array {
  const storage = bytes(
    '(',
    text(id),
    `ctorch\n${type}\n`,
    text(key),
    text(location),
    long(elements),
    'tQ',
  );
  const sizes = (values: bigint[]) => bytes('(', ...values.map(long), 't');
  return bytes(
    'ctorch._utils\n_rebuild_tensor_v2\n(',
    storage,
    long(offset),
    sizes(shape),
    sizes(strides),
    0x89,
    'N',
    'tR',
  );
}

/** A dict of one entry, which is a whole pickle of protocol 2. */
export function pickleOf(
  value: Uint8Array | string,
  key: Uint8Array | string = text('a'),
): Uint8Array {
  return bytes(0x80, 2, '}', key, value, 's.');
}

/** The pickle of a state_dict that is well, of a tensor 'a', and another entry beside it. */
export function besideWeights(key: string, value: Uint8Array | string): Uint8Array {
  const weights = bytes(text('state_dict'), '}', text('a'), tensor(), 's');
  return bytes(0x80, 2, '}(', weights, text(key), value, 'u.');
}

/** Calls a function of a module with a string. */
export const call = (name: string, argument: string) =>
  bytes(`c${name.replace('.', '\n')}\n`, text(argument), 0x85, 'R');

/** An archive of that pickle, its storage '0' of two float32 unless others are given. */
export function archive(
  pickle: Uint8Array,
  storages: Record<string, Uint8Array> = { '0': new Uint8Array(8) },
  others: Record<string, string> = {},
): Uint8Array {
  return writeZip([
    { name: 'x/data.pkl', data: pickle },
    ...Object.entries(storages).map(([key, data]) => ({ name: `x/data/${key}`, data })),
    ...Object.entries(others).map(([name, data]) => ({ name: `x/${name}`, data: bytes(data) })),
  ]);
}
