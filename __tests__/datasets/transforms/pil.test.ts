/** Every operation on images against PIL's bytes (fixtures/transforms/make_pil.py). */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as affine from '../../../datasets/transforms/affine';
import * as enhance from '../../../datasets/transforms/enhance';
import type { Image } from '../../../datasets/transforms/image';
import * as pointOps from '../../../datasets/transforms/point_ops';
import * as resizing from '../../../datasets/transforms/resize';

interface Packed {
  width: number;
  height: number;
  channels: number;
  data: string;
}

interface Golden {
  fill: number[];
  images: Record<string, Packed>;
  cases: { image: string; op: string; args: (number | string)[]; expected: Packed }[];
}

const file = path.join(__dirname, '../../fixtures/transforms/pil.json');
const golden: Golden = JSON.parse(readFileSync(file, 'utf8'));
const unpacked = (packed: Packed): Image => ({
  ...packed,
  data: Uint8Array.from(Buffer.from(packed.data, 'base64')),
});
const geometric = ['shearX', 'shearY', 'translateX', 'translateY', 'rotate'];
const operations = { ...affine, ...enhance, ...pointOps, ...resizing } as unknown as Record<
  string,
  (image: Image, ...args: unknown[]) => Image
>;

test.each(
  golden.cases.map(({ image, op, args, expected }) => [op, args, image, expected] as const),
)('%s %j of %s is what PIL makes', (op, args, image, expected) => {
  const before = unpacked(golden.images[image]);
  const source = unpacked(golden.images[image]);
  const result = operations[op](source, ...args, ...(geometric.includes(op) ? [golden.fill] : []));
  expect(result).toEqual(unpacked(expected));
  expect(source).toEqual(before);
});

test('a whole image is itself where nothing is asked of it', () => {
  const image = unpacked(golden.images.rgb);
  expect(resizing.resize(image, image.width, image.height, 'bicubic')).toBe(image);
  expect(enhance.brightness(image, 1)).toBe(image);
  expect(() => resizing.resize(image, 0, 3, 'bicubic')).toThrow(
    'width must be a positive integer, but got 0',
  );
});
