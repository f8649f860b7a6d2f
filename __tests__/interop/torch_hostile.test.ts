/** Hostile and damaged checkpoints: a typed error each, in bounded time and memory, and nothing runs. */
import { readTorchCheckpoint } from '../../interop/torch_checkpoint';
import { mutateCheckpoints } from '../../scripts/soak/checkpoints';
import { legacy, refused } from '../support/hostile_checkpoints';
import { archive, bytes, pickleOf, tensor, text } from '../support/pickles';

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
