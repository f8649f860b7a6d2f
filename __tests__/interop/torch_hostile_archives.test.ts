/** Damaged and hostile archives of checkpoints: a typed error each, in bounded time and memory. */
import { CheckpointError } from '../../interop/checkpoint_error';
import { openTorchCheckpoint, readTorchCheckpoint } from '../../interop/torch_checkpoint';
import { real, refused } from '../support/hostile_checkpoints';
import { archive, bytes, pickleOf, tensor } from '../support/pickles';

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
