/** The PNG reader: every row filter, and files that are not what it reads. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { readRgbPng } from '../../../node/files/png';

function chunk(type: string, body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, Buffer.from(type), body, Buffer.alloc(4)]);
}

/** Encodes with the filter that each row is given, as the specification defines them. */
function makePng(width: number, pixels: Uint8Array, filters: number[], colour = 2): Buffer {
  const stride = 3 * width;
  const at = (y: number, x: number) => (x < 0 || y < 0 ? 0 : pixels[y * stride + x]);
  const paeth = (a: number, b: number, c: number) => {
    const p = a + b - c;
    const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
  };
  const rows = filters.map((filter, y) => {
    const row = Array.from({ length: stride }, (_, x) => {
      const [a, b, c] = [at(y, x - 3), at(y - 1, x), at(y - 1, x - 3)];
      const predictions = [0, a, b, Math.floor((a + b) / 2), paeth(a, b, c)];
      return at(y, x) - (predictions[filter] ?? 0);
    });
    return Uint8Array.from([filter, ...row]);
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(filters.length, 4);
  header.set([8, colour, 0, 0, 0], 8);
  const data = deflateSync(Buffer.concat(rows));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from('skipped')),
    chunk('IDAT', data.subarray(0, 5)),
    chunk('IDAT', data.subarray(5)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('undoes every filter', () => {
  const image = fc.integer({ min: 1, max: 5 }).chain((width) =>
    fc.array(fc.nat(4), { minLength: 1, maxLength: 6 }).chain((filters) =>
      fc.record({
        width: fc.constant(width),
        filters: fc.constant(filters),
        pixels: fc.uint8Array({
          minLength: 3 * width * filters.length,
          maxLength: 3 * width * filters.length,
        }),
      }),
    ),
  );
  fc.assert(
    fc.property(image, ({ width, filters, pixels }) => {
      const expected = { width, height: filters.length, pixels };
      expect(readRgbPng(makePng(width, pixels, filters))).toEqual(expected);
    }),
  );
});

test('refuses what it does not read', () => {
  const pixels = new Uint8Array(6);
  const png = makePng(1, pixels, [0, 1]);
  expect(() => readRgbPng(png.subarray(1))).toThrow(/PNG signature/);
  expect(() => readRgbPng(png.subarray(0, 20))).toThrow(/8-bit RGB/);
  expect(() => readRgbPng(makePng(1, pixels, [0, 1], 6))).toThrow(/8-bit RGB/);
  expect(() => readRgbPng(makePng(1, pixels, [0, 5]))).toThrow(/row 1 has 5/);
  expect(() => readRgbPng(makePng(2, new Uint8Array(6), [0]).fill(3, 19, 20))).toThrow();
});
