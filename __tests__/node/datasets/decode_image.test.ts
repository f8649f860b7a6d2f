/** Image files of every kind against Pillow 13's pixels (fixtures/images/make.py); what would differ is refused. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage } from '../../../node/datasets/_decode_image';
import { root, temporaryDirectory } from '../../support/process';

const folder = join(root, '__tests__/fixtures/images');
const directory = temporaryDirectory();

test.each([
  ...['a.bmp', 'p.bmp', 'b.bmp', 'a.ppm', 'a.pgm', 'a.pbm'],
  ...['g16.png', 'g16.pgm', 't.gif', 'rgb16.png', 'g16t.png', 'seen.gif', 'two.gif'],
  ...['turn2.tif', 'turn6.tif', 'turn7.tif', 'turn6.jpg'],
])("%s has PIL's pixels", async (name) => {
  const { data, width, height } = await decodeImage(join(folder, name));
  const expected = readFileSync(join(folder, `${name}.rgb`));
  expect(data.length).toBe(3 * width * height);
  expect(Buffer.from(data).equals(expected)).toBe(true);
});

test.each([
  ['lab2.tif', /CIELAB would decode to other pixels than in PIL/],
  ['ycbcr_raw.tif', /TIFF of YCbCr without JPEG would decode to other pixels/],
  ['premultiplied.tif', /TIFF of premultiplied alpha would decode to other pixels/],
  ['white16.tif', /TIFF of 16 bits with white as 0 would decode to other pixels/],
  ['turn6_cmyk.tif', /TIFF of CMYK or more than 8 bits, with a rotation mark would decode/],
  ['x.avif', /AVIF and HEIF would decode to other pixels/],
])('%s is refused', async (name, message) => {
  await expect(decodeImage(join(folder, name))).rejects.toThrow(message);
});

test.each([
  ['P2 # text\n2 1\n# more\n 10\n5 10', [128, 255]],
  ['P1\n3 1\n010', [255, 0, 255]],
])('text %j', async (text, gray) => {
  const path = join(directory, 'text.pnm');
  writeFileSync(path, text);
  const { data } = await decodeImage(path);
  expect([...data]).toEqual(gray.flatMap((value) => [value, value, value]));
});

test('a GIF whose first image is smaller than the whole is refused', async () => {
  const path = join(directory, 'small.gif');
  const gif = readFileSync(join(folder, 'seen.gif'));
  gif.writeUInt16LE(40, 6); // the width of the whole
  writeFileSync(path, gif);
  await expect(decodeImage(path)).rejects.toThrow(/first image smaller than the whole/);
});

test('a bitmap that ends early, and one of absurd size, are errors with their path', async () => {
  const path = join(directory, 'cut.bmp');
  writeFileSync(path, readFileSync(join(folder, 'a.bmp')).subarray(0, 300));
  await expect(decodeImage(path)).rejects.toThrow(/cut\.bmp .* ends within the pixels of a BMP/);
  const huge = join(directory, 'huge.ppm');
  writeFileSync(huge, 'P6 99999999 99999999 255\n');
  await expect(decodeImage(huge)).rejects.toThrow(/at most 2\^28 pixels in total/);
});
