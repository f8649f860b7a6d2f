/**
 * The gradient of a filter or weight matrix whose input is mostly zero, as spikes are: lists the non-zeros of every
 * channel, and multiplies only those. Stride 1.
 */
import { ENTRY, listNonZeros, PIXEL } from './non_zero_lists';
import { packRows } from './pack';
import { ADDED, addMultiples, addRows, NONE } from './spike_conv';

/** Channels of dy that are summed together, in eight vectors. */
const STRIP = 32;

/** How many of `count` numbers are not zero. */
export function countNonZero(x: usize, count: i32): i32 {
  const zero = f32x4.splat(0);
  let sums = i32x4.splat(0);
  for (; count >= 4; count -= 4, x += 16) sums = i32x4.sub(sums, f32x4.ne(v128.load(x), zero));
  let total = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  total += i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  for (; count > 0; count--, x += 4) total += i32(load<f32>(x) != 0);
  return total;
}

/** How many spikes there are in so many bits, a multiple of 16. */
export function countBits(x: usize, count: i32): i32 {
  let total: u32 = 0;
  for (const last = x + (<usize>count >> 3); x < last; x += 2) total += popcnt<u32>(load<u16>(x));
  return total;
}

/** Whether no number is NaN or infinite: 0 times either is not 0. */
export function areFinite(x: usize, count: i32): bool {
  const zero = f32x4.splat(0);
  let sums = zero;
  let others = zero;
  // Two chains of sums: one alone waits for each addition.
  for (; count >= 16; count -= 16, x += 64) {
    const a = f32x4.add(f32x4.mul(v128.load(x), zero), f32x4.mul(v128.load(x, 16), zero));
    const b = f32x4.add(f32x4.mul(v128.load(x, 32), zero), f32x4.mul(v128.load(x, 48), zero));
    sums = f32x4.add(sums, a);
    others = f32x4.add(others, b);
  }
  sums = f32x4.add(sums, others);
  for (; count > 0; count--, x += 4) {
    sums = f32x4.add(sums, f32x4.mul(v128.load32_zero(x), zero));
  }
  return !v128.any_true(f32x4.ne(sums, sums));
}

/**
 * dw [filterHeight, filterWidth, inChannels, outChannels] from x [batch, height, width, inChannels], as bits if `packed`
 * (16 by 16 channels), and dy [batch, outHeight, outWidth, outChannels]; the paddings are those of dy: filter - 1 - pad.
 * Works through blocks of `images` images by `rows` rows of x. lists holds inChannels * capacity entries, capacity =
 * images * rows * width + 1; ends inChannels + 2 addresses; panel images * (rows + filterHeight - 1) * (width +
 * filterWidth - 1) strips; spill one strip.
 */
export function sparseFilterGrad(
  x: usize,
  packed: bool,
  dy: usize,
  dw: usize,
  batch: i32,
  height: i32,
  width: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  padTop: i32,
  padLeft: i32,
  images: i32,
  rows: i32,
  lists: usize,
  capacity: i32,
  ends: usize,
  panel: usize,
  spill: usize,
): void {
  const xPixel = packed ? <usize>inChannels >> 3 : (<usize>inChannels) << 2;
  const dyPixel = (<usize>outChannels) << 2;
  const listStep = <usize>(capacity * ENTRY);
  const panelWidth = width + filterWidth - 1;
  /** Where the list of a channel begins and ends. */
  const range = ends + ((<usize>inChannels) << 2);
  let accumulate = 0;
  for (let b0 = 0; b0 < batch; b0 += images) {
    const imageCount = min(images, batch - b0);
    for (let row0 = 0; row0 < height; row0 += rows) {
      const rowCount = min(rows, height - row0);
      const panelRows = rowCount + filterHeight - 1;
      const from = x + xPixel * ((b0 * height + row0) * width);
      // Without padding in between, the rows are one long row.
      const flat = panelWidth == width && filterHeight == 1 && imageCount == 1;
      const listRows = flat ? 1 : rowCount;
      const listWidth = flat ? rowCount * width : width;
      const ones = listNonZeros(
        from,
        packed,
        inChannels,
        imageCount,
        xPixel * (height * width),
        listRows,
        listWidth,
        panelRows,
        panelWidth,
        lists,
        listStep,
        ends,
      );
      for (let j = 0; j < outChannels; j += STRIP) {
        const cols = min(STRIP, outChannels - j);
        packPanel(
          dy + dyPixel * b0 * outHeight * outWidth + ((<usize>j) << 2),
          dyPixel,
          imageCount,
          outHeight,
          outWidth,
          cols,
          row0 - padTop,
          padLeft,
          panelRows,
          panelWidth,
          panel,
        );
        for (let c = 0; c < inChannels; c++) {
          const list = lists + listStep * c;
          store<usize>(range, list);
          store<usize>(range, load<usize>(ends + ((<usize>c) << 2)), 4);
          for (let kh = 0; kh < filterHeight; kh++) {
            for (let kw = 0; kw < filterWidth; kw++) {
              const tap = (filterHeight - 1 - kh) * panelWidth + (filterWidth - 1 - kw);
              const to =
                dw + dyPixel * ((kh * filterWidth + kw) * inChannels + c) + ((<usize>j) << 2);
              const whole = cols == STRIP;
              const sum = whole ? to : spill;
              const from = panel + <usize>(tap * PIXEL);
              const before = whole && accumulate ? ADDED : NONE;
              if (ones) addRows(range, 1, 1, from, sum, before);
              else addMultiples(range, 1, 1, from, sum, before);
              if (!whole) {
                for (let i: usize = 0; i < (<usize>cols) << 2; i += 4) {
                  store<f32>(to + i, load<f32>(spill + i) + (accumulate ? load<f32>(to + i) : 0));
                }
              }
            }
          }
        }
      }
      accumulate = 1;
    }
  }
  if (!accumulate) memory.fill(dw, 0, dyPixel * inChannels * filterHeight * filterWidth);
}

/** One strip of dy's images into [images][panelRows][panelWidth][32], zero where there is no pixel. */
function packPanel(
  dy: usize,
  dyPixel: usize,
  images: i32,
  height: i32,
  width: i32,
  cols: i32,
  top: i32,
  padLeft: i32,
  panelRows: i32,
  panelWidth: i32,
  to: usize,
): void {
  if (panelWidth == width && padLeft == 0 && top >= 0 && top + panelRows <= height && images == 1) {
    pack32(dy + dyPixel * (top * width), dyPixel, panelRows * width, cols, to);
    return;
  }
  memory.fill(to, 0, <usize>(images * panelRows * panelWidth * PIXEL));
  const firstCol = max(0, padLeft);
  const from = max(0, -padLeft);
  const count = min(width - from, panelWidth - firstCol);
  if (count <= 0) return;
  for (let b = 0; b < images; b++) {
    for (let r = 0; r < panelRows; r++) {
      const row = top + r;
      if (row < 0 || row >= height) continue;
      const target = to + <usize>(((b * panelRows + r) * panelWidth + firstCol) * PIXEL);
      pack32(dy + dyPixel * ((b * height + row) * width + from), dyPixel, count, cols, target);
    }
  }
}

function pack32(from: usize, step: usize, count: i32, cols: i32, to: usize): void {
  for (let lane = 0; lane < STRIP; lane += 8, from += 32, to += 32) {
    packRows(8, from, step, count, max(0, min(8, cols - lane)), to, PIXEL);
  }
}
