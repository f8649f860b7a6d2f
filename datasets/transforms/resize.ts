/**
 * PIL's Image.resize: each result is a weighted mean of all source pixels under the filter, which
 * widens when an image shrinks (antialiasing), first along rows and then along columns, in integer
 * arithmetic with 22 bits of fraction. Pillow 13 takes columns first where that is less work, which
 * rounds otherwise; this is Pillow 9's order, with which the recipes were written.
 */
import { checkPositiveInteger } from '../../lib/validate';
import type { Interpolation } from './affine';
import { crop, type Image, roundHalfToEven } from './image';

const BITS = 22;

interface Filter {
  /** Zero beyond it, in source pixels where the image does not shrink. */
  support: number;
  weight(x: number): number;
}

const filters: Readonly<Record<Interpolation, Filter>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys's cubic with a = -0.5.
  bicubic: {
    support: 2,
    weight(x) {
      const d = Math.abs(x);
      if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * -0.5 : 0;
    },
  },
};

/** An image of that size; the same one where it has that size. */
export function resize(
  image: Image,
  width: number,
  height: number,
  interpolation: Interpolation,
): Image {
  checkPositiveInteger('width', width);
  checkPositiveInteger('height', height);
  const filter = filters[interpolation];
  const wide = width === image.width ? image : resizeRows(image, width, filter);
  return height === wide.height ? wide : resizeColumns(wide, height, filter);
}

/** Resized so that the shorter side is `size`, the other cut off to an integer (torchvision's Resize). */
export function resizeShorterSide(image: Image, size: number, interpolation: Interpolation): Image {
  const { width, height } = image;
  const longer = Math.trunc((size * Math.max(width, height)) / Math.min(width, height));
  return width <= height
    ? resize(image, size, longer, interpolation)
    : resize(image, longer, size, interpolation);
}

/** The middle, at most as large as the image (torchvision's CenterCrop). */
export function centerCrop(image: Image, width: number, height: number): Image {
  const left = roundHalfToEven((image.width - width) / 2);
  const top = roundHalfToEven((image.height - height) / 2);
  return crop(image, left, top, width, height);
}

interface Weights {
  /** Of each result: the first source pixel under the filter, and how many there are. */
  first: Int32Array;
  count: Int32Array;
  /** `most` for each result, scaled by 2^22. */
  values: Int32Array;
  most: number;
}

/** The latest weights: all images of a data set have a size or two. */
const cache = new Map<string, Weights>();

function weightsOf(from: number, to: number, filter: Filter): Weights {
  const key = `${from},${to},${filter.support}`;
  const known = cache.get(key);
  if (known) return known;
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  const most = Math.ceil(support) * 2 + 1;
  const weights: Weights = {
    first: new Int32Array(to),
    count: new Int32Array(to),
    values: new Int32Array(to * most),
    most,
  };
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - first;
    const values = new Float64Array(count);
    let sum = 0;
    for (let k = 0; k < count; k++) {
      // A product, as PIL has it: a quotient may round differently.
      values[k] = filter.weight((k + first - center + 0.5) * (1 / stretch));
      sum += values[k];
    }
    weights.first[i] = first;
    weights.count[i] = count;
    for (let k = 0; k < count; k++) {
      const value = (values[k] / sum) * 2 ** BITS;
      weights.values[i * most + k] = Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
    }
  }
  if (cache.size >= 64) cache.delete(cache.keys().next().value as string);
  cache.set(key, weights);
  return weights;
}

const half = 1 << (BITS - 1);

function clip(scaled: number): number {
  const value = scaled >> BITS;
  return value < 0 ? 0 : Math.min(value, 255);
}

function resizeRows(image: Image, width: number, filter: Filter): Image {
  const { data, height, channels } = image;
  const { first, count, values, most } = weightsOf(image.width, width, filter);
  const out = new Uint8Array(width * height * channels);
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * image.width * channels;
    for (let x = 0; x < width; x++) {
      const end = x * most + count[x];
      for (let c = 0; c < channels; c++) {
        let sum = half;
        let from = row + first[x] * channels + c;
        for (let k = x * most; k < end; k++, from += channels) sum += data[from] * values[k];
        out[to++] = clip(sum);
      }
    }
  }
  return { data: out, width, height, channels };
}

function resizeColumns(image: Image, height: number, filter: Filter): Image {
  const { data, width, channels } = image;
  const { first, count, values, most } = weightsOf(image.height, height, filter);
  const row = width * channels;
  const out = new Uint8Array(row * height);
  const sums = new Int32Array(row);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    for (let k = 0; k < count[y]; k++) {
      const weight = values[y * most + k];
      const from = (first[y] + k) * row;
      for (let i = 0; i < row; i++) sums[i] += data[from + i] * weight;
    }
    for (let i = 0; i < row; i++) out[y * row + i] = clip(sums[i]);
  }
  return { data: out, width, height, channels };
}
