/**
 * PIL's Image.transform by an affine map: each pixel of the result is looked up where the map leads,
 * between pixels by bilinear or bicubic interpolation, and has the fill color where that is outside.
 */
import { type Image, withPixels } from './image';

/** `(a, b, c, d, e, f)`: result (x, y) comes from (a x + b y + c, d x + e y + f), at pixel centres. */
export type AffineMap = readonly [number, number, number, number, number, number];

export type Interpolation = 'bilinear' | 'bicubic';

/** Where the map leads out of the image, the value of each channel. */
export type Fill = readonly number[];

export function affine(
  image: Image,
  map: AffineMap,
  interpolation: Interpolation,
  fill: Fill,
): Image {
  const { data, width, height, channels } = image;
  const [a, b, c, d, e, f] = map;
  const sample = interpolation === 'bicubic' ? bicubicAt : bilinearAt;
  const out = new Uint8Array(data.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += channels) {
      const fromX = a * (x + 0.5) + b * (y + 0.5) + c;
      const fromY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (fromX >= 0 && fromX < width && fromY >= 0 && fromY < height) {
        sample(image, fromX - 0.5, fromY - 0.5, out, at);
      } else {
        for (let k = 0; k < channels; k++) out[at + k] = fill[k];
      }
    }
  }
  return withPixels(image, out);
}

/** (x + factor y, y). */
export const shearX = (image: Image, factor: number, by: Interpolation, fill: Fill): Image =>
  affine(image, [1, factor, 0, 0, 1, 0], by, fill);

/** (x, y + factor x). */
export const shearY = (image: Image, factor: number, by: Interpolation, fill: Fill): Image =>
  affine(image, [1, 0, 0, factor, 1, 0], by, fill);

/** To the left by `share` of the width. */
export const translateX = (image: Image, share: number, by: Interpolation, fill: Fill): Image =>
  affine(image, [1, 0, share * image.width, 0, 1, 0], by, fill);

/** Upwards by `share` of the height. */
export const translateY = (image: Image, share: number, by: Interpolation, fill: Fill): Image =>
  affine(image, [1, 0, 0, 0, 1, share * image.height], by, fill);

/** Counter-clockwise about the center, by degrees; the size stays. */
export function rotate(image: Image, degrees: number, by: Interpolation, fill: Fill): Image {
  const turn = ((degrees % 360) + 360) % 360;
  if (turn === 0) return image;
  const angle = -(turn * (Math.PI / 180));
  // PIL rounds here, so that quarter turns are exact.
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)].map((x) => Number(x.toFixed(15)));
  const [x, y] = [image.width / 2, image.height / 2];
  const map = [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y] as const;
  return affine(image, map, by, fill);
}

const clamp = (x: number, end: number) => (x < 0 ? 0 : x < end ? x : end - 1);

function bilinearAt(image: Image, x: number, y: number, out: Uint8Array, at: number): void {
  const { data, width, height, channels } = image;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const dx = x - left;
  const dy = y - top;
  const x0 = clamp(left, width) * channels;
  const x1 = clamp(left + 1, width) * channels;
  const row0 = clamp(top, height) * width * channels;
  const row1 = clamp(top + 1, height) * width * channels;
  for (let c = 0; c < channels; c++) {
    const upper = data[row0 + x0 + c] + (data[row0 + x1 + c] - data[row0 + x0 + c]) * dx;
    const lower = data[row1 + x0 + c] + (data[row1 + x1 + c] - data[row1 + x0 + c]) * dx;
    out[at + c] = upper + (lower - upper) * dy;
  }
}

const rows = new Float64Array(4);

/** Cubic convolution with a = -1, over four columns and four rows. */
function bicubicAt(image: Image, x: number, y: number, out: Uint8Array, at: number): void {
  const { data, width, height, channels } = image;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const dx = x - left;
  const dy = y - top;
  const x0 = clamp(left - 1, width) * channels;
  const x1 = clamp(left, width) * channels;
  const x2 = clamp(left + 1, width) * channels;
  const x3 = clamp(left + 2, width) * channels;
  for (let c = 0; c < channels; c++) {
    for (let k = 0; k < 4; k++) {
      const row = clamp(top - 1 + k, height) * width * channels + c;
      rows[k] = cubic(data[row + x0], data[row + x1], data[row + x2], data[row + x3], dx);
    }
    const value = cubic(rows[0], rows[1], rows[2], rows[3], dy);
    out[at + c] = value <= 0 ? 0 : Math.min(value, 255);
  }
}

function cubic(v0: number, v1: number, v2: number, v3: number, d: number): number {
  const linear = -v0 + v2;
  const square = 2 * (v0 - v1) + v2 - v3;
  const cube = -v0 + v1 - v2 + v3;
  return v1 + d * (linear + d * (square + d * cube));
}
