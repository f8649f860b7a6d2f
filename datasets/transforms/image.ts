/** The images that transforms work on: bytes, channels last, gray or RGB. */
import { invalid, show } from '../../lib/validate';
import type { Sample } from '../sample';

/** `[height, width, channels]`, row-major, 0 to 255; 1 channel or 3. Transforms make new ones. */
export interface Image {
  data: Uint8Array;
  width: number;
  height: number;
  channels: number;
}

/** A sample's image, not copied. */
export function imageOf({ data, shape }: Sample): Image {
  const [height, width, channels] = shape;
  const whole = shape.length === 3 && (channels === 1 || channels === 3) && width * height > 0;
  if (!(data instanceof Uint8Array) || !whole || data.length !== width * height * channels) {
    throw invalid(
      'the sample of an image transform',
      'bytes of shape [height, width, 1 or 3]',
      `${data?.constructor?.name} of shape ${show(shape)}`,
    );
  }
  return { data, width, height, channels };
}

/** The image as a sample of that label. */
export function sampleOf({ data, width, height, channels }: Image, label: number): Sample {
  return { data, shape: [height, width, channels], label };
}

/** The same image around other pixels. */
export function withPixels(image: Image, data: Uint8Array): Image {
  return { ...image, data };
}

/** The pixels `left <= x < left + width`, `top <= y < top + height`. */
export function crop(
  image: Image,
  left: number,
  top: number,
  width: number,
  height: number,
): Image {
  const { channels } = image;
  if (left === 0 && top === 0 && width === image.width && height === image.height) return image;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { data, width, height, channels };
}

/** Left and right exchanged. */
export function flipHorizontally(image: Image): Image {
  const { data, width, height, channels } = image;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      const to = (y * width + width - 1 - x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c];
    }
  }
  return withPixels(image, out);
}

/** Upper and lower exchanged. */
export function flipVertically(image: Image): Image {
  const { data, width, height, channels } = image;
  const row = width * channels;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    out.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  }
  return withPixels(image, out);
}

/** Luma as PIL's convert('L') has it: (19595 R + 38470 G + 7471 B + 2^15) / 2^16, rounded down. */
export function luma({ data, width, height, channels }: Image): Uint8Array {
  if (channels === 1) return data;
  const grey = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < grey.length; i++, p += 3) {
    grey[i] = (19595 * data[p] + 38470 * data[p + 1] + 7471 * data[p + 2] + 0x8000) >> 16;
  }
  return grey;
}

/** Rounded to the nearest integer, halves to the even one, as Python's round does. */
export function roundHalfToEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}
