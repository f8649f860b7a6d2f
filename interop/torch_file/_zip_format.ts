/** The newer format of torch.save: a zip archive with the pickle and one member a storage. */
import type { Reading } from '../byte_source';
import { CheckpointError } from '../checkpoint_error';
import { RefusedError } from './_arguments';
import { MAX_PICKLE, PickleEndError } from './_pickle_bytes';
import { storageOf } from './_storage';
import type { TorchFile } from './open';
import { unpickle } from './unpickler';
import type { PickleValue, TorchStorage } from './values';
import { readMember, readZipDirectory, verifyMember, type ZipMember } from './zip';

/** Opens an archive; `opaque`: whether unknown classes become opaque values. */
export function* openZip(size: number, opaque: boolean): Reading<TorchFile> {
  const members = yield* readZipDirectory(size);
  const pickles = [...members.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new CheckpointError(
      `zip: a checkpoint must have one data.pkl in its root folder, but has ${pickles.length}` +
        whatElse([...members.keys()]),
    );
  }
  const root = pickles[0]!.slice(0, -'data.pkl'.length);
  if (members.has(`${root}constants.pkl`)) {
    throw new CheckpointError(
      'this is a TorchScript archive (torch.jit.save), which holds a program: load it with torch.jit.load, ' +
        'and save the state_dict() of it with torch.save',
    );
  }
  const order = members.get(`${root}byteorder`);
  const byteOrder =
    order && order.size < 16 ? String.fromCharCode(...(yield* readMember(order)).data) : 'little';
  if (byteOrder !== 'little' && byteOrder !== 'big') {
    throw new CheckpointError(
      `byteorder must be little or big, but is ${JSON.stringify(byteOrder)}`,
    );
  }
  const member = members.get(pickles[0]!)!;
  if (member.size > MAX_PICKLE) {
    throw new CheckpointError(
      `data.pkl must have at most ${MAX_PICKLE} bytes, but has ${member.size}`,
    );
  }
  const { data: bytes, begin: base } = yield* readMember(member);
  const memberOf = (storage: TorchStorage): ZipMember => {
    const found = members.get(`${root}data/${storage.key}`);
    if (found?.size === storage.bytes) return found;
    const has = found ? `has ${found.size}` : 'is not in the archive';
    throw new RefusedError(
      `storage ${storage.key.slice(0, 40)} must have ${storage.bytes} bytes, but ${has}`,
    );
  };
  const persistent = (id: PickleValue) => {
    const storage = storageOf(id, false);
    memberOf(storage);
    return storage;
  };
  const value = unpickleAll(bytes, { base, persistent, opaque });

  const begins = new Map<string, number>();
  return {
    format: 'zip',
    value,
    bigEndian: byteOrder === 'big',
    *read(storage, begin, end) {
      const member = memberOf(storage);
      const known = begins.get(member.name);
      if (known === undefined && begin === 0 && end === member.size) {
        const whole = yield* readMember(member);
        begins.set(member.name, whole.begin);
        return whole.data;
      }
      // Not `??`: the build's CJS pass puts what follows it into a function, where yield is none.
      const start = known === undefined ? yield* verifyMember(member) : known;
      begins.set(member.name, start);
      return yield { begin: start + begin, end: start + end };
    },
  };
}

/** What an archive that is none of torch.save's holds. */
function whatElse(names: readonly string[]): string {
  if (names.length === 0) return ': the archive is empty';
  const kinds: [RegExp, string][] = [
    [/\.npy$/, "NumPy's .npz"],
    [/^(config\.json|model\.weights\.h5)$/, 'a Keras model'],
    [/\.pth?(\.tar)?$/, 'an archive with checkpoints in it: unpack it'],
    [/(^|\/)(archive_format|aotinductor)/, 'a program by torch.export'],
    [/^(\[Content_Types\]\.xml|META-INF\/)/, 'a document or a program'],
  ];
  const kind = kinds.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
  const few = names.slice(0, 4).map((name) => name.slice(0, 60));
  const more = names.length > 4 ? `, and ${names.length - 4} more` : '';
  return `: this is ${kind ?? 'another archive'}, of ${few.join(', ')}${more}`;
}

function unpickleAll(bytes: Uint8Array, options: Parameters<typeof unpickle>[1]): PickleValue {
  try {
    return unpickle(bytes, options).value;
  } catch (error) {
    if (!(error instanceof PickleEndError)) throw error;
    throw new CheckpointError('pickle: it is cut short', options.base + bytes.length);
  }
}
