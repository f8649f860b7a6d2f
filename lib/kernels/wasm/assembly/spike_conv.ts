/**
 * A convolution of spikes: lists the non-zeros of every pixel once; an output pixel is then the sum of the listed rows
 * of the filter. Stride 1, padding 'same', an odd kernel.
 */
import { nonZero16 } from './lanes';
// An entry is a filter row's place in its chunk and the value; PIXEL, the bytes of that row's strip.
import { ENTRY, ONE, PIXEL as ROW } from './non_zero_lists';
import { scaleAndShift } from './scale_and_shift';

/** Output channels that are summed together, in eight vectors. */
const STRIP = 32;
/**
 * How the sums of a chunk join those before: there are none; they continue them, as dense convolutions do; or they
 * begin anew and are added, as blocks of dense products are.
 */
export const NONE = 0;
const CONTINUED = 1;
export const ADDED = 2;

/**
 * y [batch, height, width, n] = scale * (x [batch, height, width, channels] * filter) + shift, with the filter packed
 * by `spikeConvPack`; x as bits if `packed`, with channels and `slice` a multiple of 16. It processes the rows of one filter row [filterWidth][channels] in chunks of `taps` whole taps,
 * or of `slice` channels of one tap, and the image in blocks of `rows` rows. starts has, per chunk, one address for
 * each pixel of a block with the kernel's border, and one more; lists has an entry for each channel and tap of a filter
 * row of each of those pixels; sums has a strip for each pixel without the border; flag is one number.
 */
export function spikeConv(
  x: usize,
  packed: bool,
  filter: usize,
  scale: usize,
  shift: usize,
  y: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  n: i32,
  filterHeight: i32,
  filterWidth: i32,
  taps: i32,
  slice: i32,
  rows: i32,
  starts: usize,
  lists: usize,
  sums: usize,
  flag: usize,
): void {
  const pixel = bytesOf(packed, channels);
  const outPixel = (<usize>n) << 2;
  const strip = <usize>(filterHeight * filterWidth * channels * ROW);
  const chunks = ((filterWidth + taps - 1) / taps) * ((channels + slice - 1) / slice);
  const padTop = filterHeight >> 1;
  const next = filterHeight * filterWidth == 1 ? ADDED : CONTINUED;
  for (let b = 0; b < batch; b++, x += pixel * height * width) {
    for (let row0 = 0; row0 < height; row0 += rows) {
      const rowCount = min(rows, height - row0);
      const count = rowCount * width;
      let list = lists;
      store<i32>(flag, 0);
      for (let r = 0; r < rowCount + filterHeight - 1; r++) {
        const row = row0 + r - padTop;
        const inside = row >= 0 && row < height;
        const to = starts + ((<usize>(r * width * chunks)) << 2);
        list = listRow(
          x + pixel * (row * width),
          packed,
          inside ? width : 0,
          width,
          channels,
          filterWidth,
          taps,
          slice,
          to,
          list,
          flag,
        );
      }
      const ones = !load<i32>(flag);
      let weights = filter;
      for (let j = 0; j < n; j += STRIP, weights += strip) {
        let panel = weights;
        for (let kh = 0; kh < filterHeight; kh++) {
          let from = starts + ((<usize>(kh * width * chunks)) << 2);
          for (let kw = 0; kw < filterWidth; kw += taps) {
            const tapCount = min(taps, filterWidth - kw);
            for (let c = 0; c < channels; c += slice, from += 4) {
              const before = panel == weights ? NONE : next;
              if (ones) addRows(from, chunks, count, panel, sums, before);
              else addMultiples(from, chunks, count, panel, sums, before);
              panel += <usize>(tapCount * min(slice, channels - c) * ROW);
            }
          }
        }
        const at = (<usize>j) << 2;
        scaleAndShift(
          sums,
          ROW,
          count,
          min(STRIP, n - j),
          scale + at,
          shift + at,
          y + at,
          outPixel,
        );
      }
      y += outPixel * count;
    }
  }
}

/** Bytes of so many numbers, or so many bits. */
@inline
function bytesOf(packed: bool, count: i32): usize {
  return packed ? <usize>count >> 3 : (<usize>count) << 2;
}

/**
 * For each pixel of one image row and each chunk, lists the non-zeros under the filter row's taps and where each list
 * starts; sets flag if a value is not 1. Returns the end of the lists. A row above or below the image has a width of 0,
 * and still gets `pixels` empty lists per chunk.
 */
function listRow(
  x: usize,
  packed: bool,
  width: i32,
  pixels: i32,
  channels: i32,
  filterWidth: i32,
  taps: i32,
  slice: i32,
  starts: usize,
  list: usize,
  flag: usize,
): usize {
  let others = 0;
  for (let w = 0; w < pixels; w++) {
    const left = w - (filterWidth >> 1);
    for (let kw = 0; kw < filterWidth; kw += taps) {
      for (let c = 0; c < channels; c += slice, starts += 4) {
        store<usize>(starts, list);
        const end = min(kw + taps, filterWidth);
        let place = 0;
        for (let tap = kw; tap < end; tap++, place += channels * ROW) {
          const column = left + tap;
          if (column < 0 || column >= width) continue;
          let p = x + bytesOf(packed, column * channels + c);
          let from = place;
          for (let left = min(slice, channels - c); left > 0; left -= 64) {
            let mask: u64 = 0;
            let lane = 0;
            const lanes = min(64, left);
            for (; lane + 16 <= lanes; lane += 16) {
              const at = p + bytesOf(packed, lane);
              mask |= (packed ? <u64>load<u16>(at) : nonZero16(at)) << lane;
            }
            for (; lane < lanes; lane++) {
              mask |= (<u64>(load<f32>(p + ((<usize>lane) << 2)) != 0)) << lane;
            }
            for (; mask != 0; mask &= mask - 1, list += ENTRY) {
              const i = <i32>ctz(mask);
              store<i32>(list, from + i * ROW);
              if (packed) continue;
              const bits = load<i32>(p + ((<usize>i) << 2));
              store<i32>(list, bits, 4);
              others |= bits ^ ONE;
            }
            p += bytesOf(packed, 64);
            from += 64 * ROW;
          }
        }
      }
    }
  }
  store<usize>(starts, list);
  if (others) store<i32>(flag, 1);
  return list;
}

/**
 * The two innermost loops are exported so that the optimizer keeps them as separate functions: inside the loops around
 * them, V8 runs out of registers and they take twice the time.
 */
export function addRows(
  starts: usize,
  chunks: i32,
  count: i32,
  panel: usize,
  sums: usize,
  before: i32,
): void {
  addChunk(true, starts, chunks, count, panel, sums, before);
}

export function addMultiples(
  starts: usize,
  chunks: i32,
  count: i32,
  panel: usize,
  sums: usize,
  before: i32,
): void {
  addChunk(false, starts, chunks, count, panel, sums, before);
}

/** Adds value * row, over the list of each pixel, to its strip; if there is nothing before, overwrites the strip. */
@inline
function addChunk(
  ones: bool,
  starts: usize,
  chunks: i32,
  count: i32,
  panel: usize,
  sums: usize,
  before: i32,
): void {
  const zero = f32x4.splat(0);
  const step = (<usize>chunks) << 2;
  for (const last = sums + <usize>(count * ROW); sums < last; sums += ROW, starts += step) {
    let c0 = zero,
      c1 = zero,
      c2 = zero,
      c3 = zero,
      c4 = zero,
      c5 = zero,
      c6 = zero,
      c7 = zero;
    if (before == CONTINUED) {
      c0 = v128.load(sums);
      c1 = v128.load(sums, 16);
      c2 = v128.load(sums, 32);
      c3 = v128.load(sums, 48);
      c4 = v128.load(sums, 64);
      c5 = v128.load(sums, 80);
      c6 = v128.load(sums, 96);
      c7 = v128.load(sums, 112);
    }
    const end = load<usize>(starts, 4);
    for (let list = load<usize>(starts); list < end; list += ENTRY) {
      const p = panel + load<u32>(list);
      if (ones) {
        c0 = f32x4.add(c0, v128.load(p));
        c1 = f32x4.add(c1, v128.load(p, 16));
        c2 = f32x4.add(c2, v128.load(p, 32));
        c3 = f32x4.add(c3, v128.load(p, 48));
        c4 = f32x4.add(c4, v128.load(p, 64));
        c5 = f32x4.add(c5, v128.load(p, 80));
        c6 = f32x4.add(c6, v128.load(p, 96));
        c7 = f32x4.add(c7, v128.load(p, 112));
      } else {
        const s = v128.load32_splat(list, 4);
        c0 = f32x4.add(c0, f32x4.mul(s, v128.load(p)));
        c1 = f32x4.add(c1, f32x4.mul(s, v128.load(p, 16)));
        c2 = f32x4.add(c2, f32x4.mul(s, v128.load(p, 32)));
        c3 = f32x4.add(c3, f32x4.mul(s, v128.load(p, 48)));
        c4 = f32x4.add(c4, f32x4.mul(s, v128.load(p, 64)));
        c5 = f32x4.add(c5, f32x4.mul(s, v128.load(p, 80)));
        c6 = f32x4.add(c6, f32x4.mul(s, v128.load(p, 96)));
        c7 = f32x4.add(c7, f32x4.mul(s, v128.load(p, 112)));
      }
    }
    if (before == ADDED) {
      c0 = f32x4.add(c0, v128.load(sums));
      c1 = f32x4.add(c1, v128.load(sums, 16));
      c2 = f32x4.add(c2, v128.load(sums, 32));
      c3 = f32x4.add(c3, v128.load(sums, 48));
      c4 = f32x4.add(c4, v128.load(sums, 64));
      c5 = f32x4.add(c5, v128.load(sums, 80));
      c6 = f32x4.add(c6, v128.load(sums, 96));
      c7 = f32x4.add(c7, v128.load(sums, 112));
    }
    v128.store(sums, c0);
    v128.store(sums, c1, 16);
    v128.store(sums, c2, 32);
    v128.store(sums, c3, 48);
    v128.store(sums, c4, 64);
    v128.store(sums, c5, 80);
    v128.store(sums, c6, 96);
    v128.store(sums, c7, 112);
  }
}
