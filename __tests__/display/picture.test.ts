import fc from 'fast-check';
import { pictureOf, pictureUrl } from '../../display/picture';
import { readRgbPng } from '../../node/files/png';

test('a picture is a PNG of its pixels, its checksums right', async () => {
  const picture = fc
    .integer({ min: 1, max: 5 })
    .chain((width) =>
      fc
        .integer({ min: 1, max: 5 })
        .chain((height) =>
          fc
            .uint8Array({ minLength: 3 * width * height, maxLength: 3 * width * height })
            .map((pixels) => ({ width, height, pixels })),
        ),
    );
  await fc.assert(
    fc.asyncProperty(picture, async (given) => {
      const url = await pictureUrl(given);
      const file = Buffer.from(url.replace('data:image/png;base64,', ''), 'base64');
      expect(readRgbPng(file)).toEqual(given);
      // The last chunk is the same in every PNG.
      expect(file.subarray(-12).toString('hex')).toBe('0000000049454e44ae426082');
    }),
    { numRuns: 20 },
  );
});

test('bytes are shown as they are, one channel as gray', () => {
  expect(pictureOf(Uint8Array.of(1, 2, 3, 4, 5, 6), [2, 1, 3])).toEqual({
    width: 1,
    height: 2,
    pixels: Uint8Array.of(1, 2, 3, 4, 5, 6),
  });
  expect(pictureOf(Uint8Array.of(7, 9), [1, 2, 1]).pixels).toEqual(Uint8Array.of(7, 7, 7, 9, 9, 9));
});

test('frames of events are added up: off is red, on is blue', () => {
  const { pixels } = pictureOf(Float32Array.of(0, 1, 2, 0, 0, 1, 0, 0), [2, 1, 2, 2]);
  expect(pixels).toEqual(Uint8Array.of(0, 0, 255, 255, 0, 0));
});
