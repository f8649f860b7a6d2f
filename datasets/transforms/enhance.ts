/**
 * PIL's ImageEnhance: an image blended with a poorer version of itself. Factor 1 gives the image, 0
 * the poorer one, more than 1 goes beyond. Also the hue of torchvision's ColorJitter.
 */
import { type Image, luma, withPixels } from './image';

/** Toward black. */
export function brightness(image: Image, factor: number): Image {
  return blend(new Uint8Array(image.data.length), image, factor);
}

/** Toward the gray of the image's mean luma. */
export function contrast(image: Image, factor: number): Image {
  const grey = luma(image);
  let sum = 0;
  for (const value of grey) sum += value;
  const mean = Math.trunc(sum / grey.length + 0.5);
  return blend(new Uint8Array(image.data.length).fill(mean), image, factor);
}

/** Toward the image in gray: saturation. */
export function color(image: Image, factor: number): Image {
  const { data, channels } = image;
  const grey = luma(image);
  const poor = data.map((_, i) => grey[Math.floor(i / channels)]);
  return blend(poor, image, factor);
}

/** Toward the image smoothed by (1 1 1, 1 5 1, 1 1 1) / 13, but at its border. */
export function sharpness(image: Image, factor: number): Image {
  return blend(smooth(image), image, factor);
}

/** poor + factor (image - poor), each step rounded to float32, then cut off as an integer. */
function blend(poor: Uint8Array, image: Image, factor: number): Image {
  if (factor === 1) return image;
  const { data } = image;
  const { fround } = Math;
  const alpha = fround(factor);
  // By the difference, -255 to 255: the product that every pixel of that difference needs.
  const products = Float32Array.from({ length: 511 }, (_, i) => alpha * (i - 255));
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const value = fround(poor[i] + products[data[i] - poor[i] + 255]);
    out[i] = value <= 0 ? 0 : Math.min(value, 255);
  }
  return withPixels(image, out);
}

function smooth({ data, width, height, channels }: Image): Uint8Array {
  const out = data.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      let sum = 4 * data[i];
      for (let near = i - channels; near <= i + channels; near += channels) {
        sum += data[near - row] + data[near] + data[near + row];
      }
      out[i] = Math.floor(sum / 13 + 0.5);
    }
  }
  return out;
}

/**
 * Turns the hue by `factor` of the circle, -0.5 to 0.5, through PIL's HSV of 8 bits each. A gray
 * image has none and stays.
 */
export function hue(image: Image, factor: number): Image {
  if (image.channels === 1) return image;
  const turn = Math.trunc(factor * 255);
  const out = new Uint8Array(image.data.length);
  for (let i = 0; i < out.length; i += 3) {
    const [h, s, v] = toHsv(image.data[i], image.data[i + 1], image.data[i + 2]);
    out.set(toRgb((h + turn) & 255, s, v), i);
  }
  return withPixels(image, out);
}

const clip = (x: number) => Math.min(255, Math.max(0, Math.trunc(x)));

/** In float32 where PIL has float32. */
function toHsv(r: number, g: number, b: number): [number, number, number] {
  const { fround } = Math;
  const most = Math.max(r, g, b);
  const range = most - Math.min(r, g, b);
  if (range === 0) return [0, 0, most];
  const [toR, toG, toB] = [r, g, b].map((value) => fround((most - value) / range));
  let h: number;
  if (r === most) h = fround(toB - toG);
  else if (g === most) h = fround(2 + toR - toB);
  else h = fround(4 + toG - toR);
  h = fround((h / 6 + 1) % 1);
  return [clip(h * 255), clip(fround(range / most) * 255), most];
}

function toRgb(h: number, s: number, v: number): [number, number, number] {
  if (s === 0) return [v, v, v];
  const { fround } = Math;
  const saturation = fround(s / 255);
  const sixth = fround((h * 6) / 255);
  const sector = Math.floor(sixth);
  const rest = fround(sixth - sector);
  const level = (share: number) => clip(Math.round(v * (1 - share)));
  const p = level(saturation);
  const q = level(fround(saturation * rest));
  const t = level(saturation * (1 - rest));
  const sectors = [
    [v, t, p],
    [q, v, p],
    [p, v, t],
    [p, q, v],
    [t, p, v],
    [v, p, q],
  ];
  return sectors[sector % 6] as [number, number, number];
}
