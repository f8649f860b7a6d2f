/** What PIL's ImageOps do to each value by itself, through a table of 256 results a channel. */
import { type Image, withPixels } from './image';

/** Table of one channel, from the counts of its values. */
type TableOf = (histogram: Uint32Array) => ArrayLike<number>;

const identity = Uint8Array.from({ length: 256 }, (_, i) => i);

/** Values through `of(value)`, the same for every channel. */
function mapValues(image: Image, of: (value: number) => number): Image {
  const table = Uint8Array.from(identity, of);
  return withPixels(
    image,
    image.data.map((value) => table[value]),
  );
}

/** 255 - x. */
export const invert = (image: Image): Image => mapValues(image, (x) => 255 - x);

/** Keeps the highest `bits` of each value, 0 to 8; 0 leaves black. */
export const posterize = (image: Image, bits: number): Image =>
  mapValues(image, (x) => x & ~(2 ** (8 - bits) - 1));

/** Inverts values from `threshold` on, 0 to 256. */
export const solarize = (image: Image, threshold: number): Image =>
  mapValues(image, (x) => (x < threshold ? x : 255 - x));

/** Adds `add`, up to 255, to values below 128. */
export const solarizeAdd = (image: Image, add: number): Image =>
  mapValues(image, (x) => (x < 128 ? Math.min(255, x + add) : x));

/** Each channel stretched so that its least value is 0 and its greatest 255. */
export const autoContrast = (image: Image): Image => mapChannels(image, stretched);

/** Each channel's histogram made as flat as a table can make it. */
export const equalize = (image: Image): Image => mapChannels(image, equalized);

function mapChannels(image: Image, tableOf: TableOf): Image {
  const { data, channels } = image;
  const out = new Uint8Array(data.length);
  for (let c = 0; c < channels; c++) {
    const histogram = new Uint32Array(256);
    for (let i = c; i < data.length; i += channels) histogram[data[i]]++;
    const table = tableOf(histogram);
    for (let i = c; i < data.length; i += channels) out[i] = table[data[i]];
  }
  return withPixels(image, out);
}

function stretched(histogram: Uint32Array): Uint8Array {
  const low = histogram.findIndex((n) => n > 0);
  let high = 255;
  while (high > low && histogram[high] === 0) high--;
  if (high <= low) return identity;
  const scale = 255 / (high - low);
  const offset = -low * scale;
  return identity.map((x) => Math.min(255, Math.max(0, Math.trunc(x * scale + offset))));
}

function equalized(histogram: Uint32Array): Uint8Array {
  const counts = histogram.filter((n) => n > 0);
  const all = counts.reduce((sum, n) => sum + n, 0);
  const step = Math.floor((all - counts[counts.length - 1]) / 255);
  if (counts.length <= 1 || step === 0) return identity;
  let before = step >> 1;
  return Uint8Array.from(histogram, (n) => {
    const level = Math.min(255, Math.floor(before / step));
    before += n;
    return level;
  });
}
