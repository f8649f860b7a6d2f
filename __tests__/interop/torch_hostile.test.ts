/** Hostile and damaged checkpoints: a typed error each, in bounded time and memory, and nothing runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError } from '../../interop/checkpoint_error';
import { openTorchCheckpoint, readTorchCheckpoint } from '../../interop/torch_checkpoint';
import { mutateCheckpoints } from '../../scripts/soak/checkpoints';
import { cpuMilliseconds } from '../../scripts/soak/cpu_time';
import { archive, bytes, long, pickleOf, tensor, text, uint32 } from '../support/pickles';
import { runScript } from '../support/process';

const legacy = new Uint8Array(
  readFileSync(join(__dirname, '../fixtures/checkpoints/torch_legacy.pth')),
);
const real = new Uint8Array(readFileSync(join(__dirname, '../fixtures/checkpoints/torch_zip.pth')));

function refused(file: Uint8Array, message: RegExp): CheckpointError {
  let error: unknown;
  const begun = cpuMilliseconds();
  try {
    readTorchCheckpoint(file);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message.length).toBeLessThan(500);
  expect(cpuMilliseconds() - begun).toBeLessThan(5000);
  return error as CheckpointError;
}

const call = (name: string, argument: string) =>
  bytes(`c${name.replace('.', '\n')}\n`, text(argument), 0x85, 'R');
/** A value beside weights that are well. */
const beside = (value: Uint8Array | string) =>
  bytes(
    0x80,
    2,
    '}(',
    text('state_dict'),
    '}',
    text('a'),
    tensor(),
    's',
    text('meta'),
    value,
    'u.',
  );

describe('pickles', () => {
  const hostile: [what: string, pickle: Uint8Array, message: RegExp][] = [
    [
      'os.system',
      pickleOf(call('os.system', 'id')),
      /asks for os\.system, which is not on the list/,
    ],
    ['posix.system', pickleOf(call('posix.system', 'id')), /posix\.system/],
    ['eval', pickleOf(call('builtins.eval', '1')), /builtins\.eval/],
    ["Python 2's eval", pickleOf(call('__builtin__.eval', '1')), /__builtin__\.eval/],
    ['getattr', pickleOf(call('builtins.getattr', 'x')), /builtins\.getattr/],
    ['a name of Object', pickleOf('c__proto__\nconstructor\n)R'), /__proto__\.constructor/],
    [
      'a name from the stack',
      pickleOf(bytes(text('subprocess'), text('Popen'), 0x93, ')R')),
      /subprocess\.Popen/,
    ],
    ['a call beside the weights', beside(call('os.system', 'id')), /os\.system/],
    ['NEWOBJ of a stranger', pickleOf(bytes('csocket\nsocket\n)', 0x81)), /socket\.socket/],
    ['INST', pickleOf('(ios\nsystem\n'), /opcode 0x69/],
    ['OBJ', pickleOf('(o'), /opcode 0x6f/],
    ['an extension', pickleOf(bytes(0x82, 1)), /opcode 0x82/],
    ['NEWOBJ_EX', pickleOf(bytes('))}', 0x92)), /tuple cannot be called/],
    [
      'arguments by name',
      pickleOf(bytes('ccollections\nOrderedDict\n)}', text('a'), 'Ns', 0x92)),
      /takes arguments by name/,
    ],
    ['a textual opcode', pickleOf('I1\n'), /opcode 0x49/],
    ['a call of a number', pickleOf('K\x01)R'), /int cannot be called/],
    ['a call of a dtype', pickleOf('ctorch\nfloat32\n)R'), /dtype cannot be called/],
    [
      'arguments that are no tuple',
      pickleOf('ccollections\nOrderedDict\n]R'),
      /must be a tuple, not list/,
    ],
    ['a tensor of a tuple', pickleOf('ctorch._utils\n_rebuild_tensor_v2\n)R'), /storage must be/],
    [
      'another rebuild function in a subclass',
      pickleOf(
        bytes('ctorch._tensor\n_rebuild_from_type_v2\n(ccollections\nOrderedDict\nN)Nt', 'R'),
      ),
      /torch's own functions/,
    ],
    ['state of a list', pickleOf(']}b'), /list cannot take dict/],
    ['a protocol of the future', bytes(0x80, 9, '}.'), /protocol must be 2 to 5, but is 9/],
    ['nothing', bytes(0x80, 2), /cut short/],
    ['no STOP', bytes(0x80, 2, '}'), /cut short/],
    ['an empty stack', bytes(0x80, 2, '.'), /missing on the stack/],
    ['no mark', pickleOf('u'), /a mark is missing/],
    ['a value below the mark', pickleOf('(0'), /missing on the stack/],
    ['a memory that is not there', pickleOf('h\x07'), /no value 7/],
    ['a text of 4 GB', pickleOf(bytes('X', uint32(0xffffffff))), /at most \d+ bytes/],
    [
      'a text of 2^64 bytes',
      pickleOf(bytes(0x8d, new Uint8Array(8).fill(255))),
      /at most \d+ bytes/,
    ],
    ['a text past the end', pickleOf(bytes('X', uint32(1000))), /cut short/],
    ['invalid UTF-8', pickleOf(bytes('X', uint32(1), 0xff)), /UTF-8/],
    ['an integer of a megabyte', pickleOf(bytes(0x8b, uint32(2 ** 20))), /at most 255 bytes/],
    ['a key without value', pickleOf('}(K\x01u'), /a key has no value/],
    ['a list as a key', pickleOf('}]Ns'), /a key must be/],
    ['a long name', pickleOf(`c${'a'.repeat(1000)}\nb\n`), /200 characters/],
    ['a list that holds itself', beside(bytes(']q\x05h\x05a')), /a list holds itself/],
    [
      'a dict that holds itself',
      beside(bytes('}q\x05', text('k'), 'h\x05s')),
      /a dict holds itself/,
    ],
    ['a tuple within itself by a list', beside(bytes(']q\x05(h\x05ta')), /holds itself/],
    [
      'lists a million deep',
      beside(bytes(']'.repeat(1e6), 'a'.repeat(1e6 - 1))),
      /builds more than \d+ bytes/,
    ],
    [
      'tuples 10000 deep',
      beside(bytes('N', new Uint8Array(10_000).fill(0x85))),
      /more than 100 deep/,
    ],
    ['marks without end', beside('('.repeat(2e6)), /marks/],
    ['values without end', beside('N'.repeat(2e6)), /on the stack/],
    ['five million dicts', beside('}0'.repeat(5e6)), /builds more than \d+ bytes/],
    [
      'a billion laughs',
      beside(
        bytes(
          ']q\x000',
          ...Array.from({ length: 40 }, (_, i) =>
            bytes('](', ...Array(10).fill(bytes('h', i)), 'eq', i + 1, '0'),
          ),
          'h\x28',
        ),
      ),
      /stand for more than/,
    ],
    [
      'one list made a set again and again',
      beside(
        bytes(
          '](',
          ...Array.from({ length: 5000 }, (_, i) => bytes('M', i & 255, i >> 8)),
          'eq\x00',
          ...Array(5000).fill(bytes('cbuiltins\nset\nh\x00', 0x85, 'R0')),
        ),
      ),
      /builds more than \d+ bytes/,
    ],
    [
      'one text made bytes again and again',
      beside(
        bytes(
          text('x'.repeat(1e6)),
          'q\x00',
          ...Array(2000).fill(bytes('c_codecs\nencode\n(h\x00', text('latin1'), 'tR0')),
        ),
      ),
      /builds more than \d+ bytes/,
    ],
    ['__proto__ as a tensor', pickleOf(tensor(), text('__proto__')), /__proto__/],
    ['__proto__ in meta', beside(bytes('}', text('__proto__'), 'Ns')), /__proto__/],
    ['a list for a checkpoint', bytes(0x80, 2, '].'), /must hold tensors.*it holds nothing/],
    ['a number for a checkpoint', bytes(0x80, 2, 'K\x07.'), /must be a dict, but is int/],
    ['an empty dict', bytes(0x80, 2, '}.'), /it holds nothing/],
    [
      'a number among the weights',
      bytes(0x80, 2, '}', text('state_dict'), '}', text('a'), 'Nss.'),
      /a must be a tensor, but is None/,
    ],
    ['no weights', pickleOf('N'), /must hold tensors.*holds a/],
  ];
  test.each(hostile)('%s', (_, pickle, message) => {
    refused(archive(pickle), message);
  });

  test('the error says where', () => {
    const error = refused(archive(pickleOf(call('os.system', 'id'))), /at byte \d+/);
    expect(error.offset).toBeGreaterThan(64);
  });
});

describe('tensors', () => {
  const hostile: [what: string, tensor: Uint8Array, message: RegExp][] = [
    ['a storage that is not there', tensor({ key: '9' }), /not in the archive/],
    ['a path for a storage', tensor({ key: '../../data.pkl' }), /not in the archive/],
    ['a storage of another size', tensor({ elements: 3n }), /must have 12 bytes, but has 8/],
    ['a storage of 2^62 elements', tensor({ elements: 2n ** 62n }), /2\^53/],
    ['a storage of -1 elements', tensor({ elements: -1n }), /2\^53/],
    ['something else that persists', tensor({ id: 'module' }), /must be of a storage/],
    [
      'a complex storage',
      tensor({ type: 'ComplexFloatStorage', elements: 1n, shape: [1n] }),
      /a must be a tensor, but is a complex64 tensor/,
    ],
    ['an unknown storage', tensor({ type: 'EvilStorage' }), /torch\.EvilStorage/],
    [
      '2^40 elements',
      tensor({ shape: [2n ** 40n] }),
      /reaches element 1099511627775 of a storage of 2/,
    ],
    [
      '2^40 elements of one number',
      tensor({ shape: [2n ** 40n], strides: [0n] }),
      /more than \d+ bytes/,
    ],
    [
      'sizes whose product overflows',
      tensor({ shape: [2n ** 40n, 2n ** 40n], strides: [0n, 0n] }),
      /too many/,
    ],
    ['an offset past the end', tensor({ offset: 1n }), /reaches element 2 of a storage of 2/],
    ['a negative offset', tensor({ offset: -1n }), /from 0 to/],
    ['a negative size', tensor({ shape: [-2n] }), /from 0 to/],
    ['a negative stride', tensor({ strides: [-1n] }), /from 0 to/],
    ['a stride of 2^52', tensor({ strides: [2n ** 52n] }), /reaches element/],
    ['more strides than axes', tensor({ strides: [1n, 1n] }), /as many strides/],
    [
      'a thousand axes',
      tensor({ shape: Array(1000).fill(1n), strides: Array(1000).fill(1n) }),
      /at most 64/,
    ],
    [
      'an untyped storage without dtype',
      tensor({ type: 'storage\nUntypedStorage', elements: 8n }),
      /torch\.storage/,
    ],
  ];
  test.each(hostile)('%s', (_, value, message) => {
    refused(archive(pickleOf(value)), message);
  });

  test('a thousand tensors that each expand one storage to a megabyte', () => {
    const expanded = tensor({ shape: [2n ** 18n], strides: [0n] });
    const entries = Array.from({ length: 1000 }, (_, i) => bytes(text(`t${i}`), expanded));
    refused(archive(bytes(0x80, 2, '}(', ...entries, 'u.')), /its tensors together have more than/);
  });
});

describe('archives', () => {
  const good = archive(pickleOf(tensor()));
  const view = (file: Uint8Array) => new DataView(file.buffer);
  const directoryOf = (file: Uint8Array) => view(file).getUint32(file.length - 6, true);
  const changed = (change: (view: DataView, directory: number, file: Uint8Array) => void) => {
    const file = good.slice();
    change(view(file), directoryOf(file), file);
    return file;
  };

  test('the untouched file is read', () => {
    expect(readTorchCheckpoint(good).stateDict.a!.shape).toEqual([2]);
  });

  const hostile: [what: string, file: Uint8Array, message: RegExp][] = [
    ['an empty file', new Uint8Array(0), /is empty/],
    ['another file', bytes('GIF89a'), /does not/],
    ['a pickle that torch did not write', pickleOf('N'), /pickle that torch\.save did not write/],
    ['cut in the middle', good.slice(0, good.length >> 1), /cut short/],
    ['cut by a byte', good.slice(0, -1), /cut short/],
    ['cut to its first bytes', good.slice(0, 4), /cut short/],
    ['bytes behind the end', bytes(good, 'xyz'), /cut short/],
    ['no data.pkl', archive(new Uint8Array(1)).map((b) => (b === 0x6b ? 0x6a : b)), /zip/],
    [
      'an unknown byte order',
      archive(pickleOf(tensor()), undefined, { byteorder: 'middle' }),
      /little or big/,
    ],
    [
      'a TorchScript archive',
      archive(pickleOf(tensor()), undefined, { 'constants.pkl': '' }),
      /TorchScript/,
    ],
    ['a wrong CRC', changed((v, d) => v.setUint32(d + 16, 12345, true)), /CRC-32 differs/],
    [
      'a changed pickle',
      changed((_v, _d, f) => {
        f[70] = f[70]! ^ 1;
      }),
      /CRC-32 differs/,
    ],
    [
      'a compressed member',
      changed((v, d) => v.setUint16(d + 10, 8, true)),
      /is compressed \(method 8\)/,
    ],
    ['an encrypted member', changed((v, d) => v.setUint16(d + 8, 1, true)), /encrypted/],
    ['two sizes', changed((v, d) => v.setUint32(d + 20, 1, true)), /has sizes 1 and/],
    [
      'a member of 4 GB',
      changed((v, d) => {
        v.setUint32(d + 20, 0xfffffffe, true);
        v.setUint32(d + 24, 0xfffffffe, true);
      }),
      /must end by/,
    ],
    [
      'a member that says zip64 and has none',
      changed((v, d) => v.setUint32(d + 24, 0xffffffff, true)),
      /is missing/,
    ],
    [
      'an offset past the file',
      changed((v, d) => v.setUint32(d + 42, 0x7fffffff, true)),
      /must end by/,
    ],
    [
      'an offset to nowhere',
      changed((v, d) => v.setUint32(d + 42, 7, true)),
      /must end by|no local header/,
    ],
    [
      'a directory past the file',
      changed((v, _d, f) => v.setUint32(f.length - 6, 0x7fffffff, true)),
      /directory must end/,
    ],
    [
      'a directory of other length',
      changed((v, _d, f) => v.setUint32(f.length - 10, 10, true)),
      /cannot hold|no entry|must end/,
    ],
    [
      'more entries than there are',
      changed((v, _d, f) => v.setUint16(f.length - 12, 60000, true)),
      /cannot hold/,
    ],
    [
      'fewer entries than there are',
      changed((v, _d, f) => v.setUint16(f.length - 12, 1, true)),
      /too many/,
    ],
    [
      'a name that the local header does not have',
      changed((_v, _d, f) => {
        f[30] = 0x79;
      }),
      /by its header/,
    ],
    ['padding past the member', changed((v) => v.setUint16(28, 0xffff, true)), /must end by/],
  ];
  test.each(hostile)('%s', (_, file, message) => {
    refused(file, message);
  });

  test('members that overlap', () => {
    const file = archive(pickleOf(tensor()), { '0': new Uint8Array(8), '1': new Uint8Array(8) });
    const v = view(file);
    // The third entry points to the second member's place.
    let at = directoryOf(file);
    at += 46 + v.getUint16(at + 28, true);
    const second = v.getUint32(at + 42, true);
    at += 46 + v.getUint16(at + 28, true);
    v.setUint32(at + 42, second, true);
    refused(file, /must end by/);
  });

  test('a name that comes twice', () => {
    const file = archive(pickleOf(tensor()), { '0': new Uint8Array(8), '1': new Uint8Array(8) });
    for (let i = directoryOf(file); i < file.length; i++) if (file[i] === 0x31) file[i] = 0x30;
    refused(file, /"x\/data\/0" comes twice/);
  });

  const withZip64 = (change: (record: DataView, locator: DataView) => void) => {
    const end = good.length - 22;
    const record = new Uint8Array(56);
    const r = new DataView(record.buffer);
    r.setUint32(0, 0x06064b50, true);
    const g = view(good);
    r.setBigUint64(32, BigInt(g.getUint16(end + 10, true)), true);
    r.setBigUint64(40, BigInt(g.getUint32(end + 12, true)), true);
    r.setBigUint64(48, BigInt(g.getUint32(end + 16, true)), true);
    const locator = new Uint8Array(20);
    const l = new DataView(locator.buffer);
    l.setUint32(0, 0x07064b50, true);
    l.setBigUint64(8, BigInt(end), true);
    change(r, l);
    return bytes(good.subarray(0, end), record, locator, good.subarray(end));
  };
  test('zip64 that tells the truth', () => {
    expect(readTorchCheckpoint(withZip64(() => {})).stateDict.a!.shape).toEqual([2]);
  });
  test.each<[string, (record: DataView, locator: DataView) => void, RegExp]>([
    [
      'an end record of 2^64',
      (_r, l) => l.setBigUint64(8, 2n ** 64n - 1n, true),
      /less than 2\^53/,
    ],
    ['an end record past the file', (_r, l) => l.setBigUint64(8, 2n ** 40n, true), /fits at/],
    ['an end record elsewhere', (_r, l) => l.setBigUint64(8, 3n, true), /record is missing/],
    ['other entries', (r) => r.setBigUint64(32, 99n, true), /disagree: entries/],
    ['2^60 entries', (r) => r.setBigUint64(32, 2n ** 60n, true), /less than 2\^53/],
    ['another directory', (r) => r.setBigUint64(48, 0n, true), /disagree: begin/],
    ['another length', (r) => r.setBigUint64(40, 2n ** 50n, true), /disagree: bytes/],
  ])('zip64 lies: %s', (_, change, message) => {
    refused(withZip64(change), message);
  });

  test('a file that ends while it is read', async () => {
    const source = {
      size: real.length,
      read: async (a: number, b: number) => real.slice(a, b - 1),
    };
    await expect(openTorchCheckpoint(source)).rejects.toThrow(CheckpointError);
  });

  test('a storage that is damaged shows when it is read', async () => {
    const file = good.slice();
    const at = readTorchCheckpoint(good).stateDict.a!.data.byteOffset;
    file[at] = 77;
    const { stateDict } = await openTorchCheckpoint(new Blob([file]));
    await expect(stateDict.a!.read()).rejects.toThrow(/CRC-32/);
    await expect(stateDict.a!.read()).rejects.toThrow(/CRC-32/); // and whenever it is read again
    refused(file, /CRC-32/);
  });

  test('no file at all', async () => {
    for (const nothing of [null, undefined, 'path', {}, 3]) {
      await expect(openTorchCheckpoint(nothing as never)).rejects.toThrow(CheckpointError);
      expect(() => readTorchCheckpoint(nothing as never)).toThrow(CheckpointError);
    }
  });
});

describe('the older format', () => {
  test.each([10, 16, 30, 140, 1000, legacy.length - 1])('cut at byte %i', (length) => {
    refused(legacy.slice(0, length), /cut short|must begin|has \d+ elements/);
  });
  test('another protocol', () => {
    const file = legacy.slice();
    file[18] = 7;
    refused(file, /protocol must be 1001/);
  });
  test('a storage of another length', () => {
    const file = legacy.slice();
    // The last storage's length lies before its numbers.
    const { stateDict } = readTorchCheckpoint(file);
    const ends = Object.values(stateDict).map(({ data }) => data.byteOffset);
    expect(ends.length).toBeGreaterThan(10);
    let at = file.length - 1;
    while (at > 0) {
      file[at] = 0xff;
      if (file.length - at > 600) break;
      at--;
    }
    refused(file, /elements/);
  });
});

test('ten thousand real files with bytes changed, moved and cut are read or refused', () => {
  const { read, refused, slowestMs } = mutateCheckpoints({
    count: 10_000,
    seed: process.env.CI ? 230505954 : Date.now() % 2 ** 32,
  });
  expect(read + refused).toBe(10_000);
  expect(read).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(1000);
  expect(slowestMs).toBeLessThan(2000);
});

test('a pickle takes memory by its length, whatever it builds', () => {
  // Five megabytes each: tensors that share one size of 64 axes, dicts, names in the memo. A heap of 60 MB
  // holds what may be built of them; without the account that the unpickler keeps they fill one of 300.
  const script = `
    import { readTorchCheckpoint } from './interop/torch_checkpoint';
    import { archive, bytes, text, long, uint32 } from './__tests__/support/pickles';
    const join = (...parts) => {
      const all = parts.map((part) => (part instanceof Uint8Array ? part : bytes(part)));
      const result = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of all) { result.set(part, at); at += part.length; }
      return result;
    };
    const many = (part) => {
      const result = new Uint8Array(part.length * Math.floor(5e6 / part.length));
      for (let at = 0; at < result.length; at += part.length) result.set(part, at);
      return result;
    };
    const sizes = bytes('(', ...Array(64).fill('K\\x01'), 't');
    const storage = bytes('(', text('storage'), 'ctorch\\nFloatStorage\\n', text('0'), text('cpu'), long(2n), 'tQ');
    const begin = join(0x80, 2, 'ctorch._utils\\n_rebuild_tensor_v2\\nq\\x000', sizes, 'q\\x010', storage, 'q\\x020');
    const build = bytes('h\\x00(h\\x02K\\x00h\\x01h\\x01', 0x89, 'NtR');
    for (const part of [bytes(build, 'a'), bytes('}a'), bytes('Na'), bytes('K\\x07a'), bytes('h\\x01a')]) {
      const pickle = join(begin, '}(', text('a'), ']', many(part), text('w'), build, 'u.');
      const file = archive(pickle);
      try { readTorchCheckpoint(file); } catch {}
    }
    console.log('done');`;
  const heap = { NODE_OPTIONS: '--max-old-space-size=100' };
  const { status, stdout, stderr } = runScript(script, [], heap);
  expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: 'done\n' });
});

test('an integer of eight bytes', () => {
  const { meta } = readTorchCheckpoint(archive(beside(long(2n ** 60n))));
  expect(meta.meta).toBe(2n ** 60n);
});
