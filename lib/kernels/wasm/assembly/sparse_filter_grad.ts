/**
 * The gradient of a filter or weight matrix whose input is mostly zero, as spikes are: lists the non-zeros of every
 * channel, and multiplies only those. Stride 1.
 */
import { ENTRY, list1, list4, PIXEL } from './non_zero_lists';
import { packRows } from './pack';

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
 * dw [filterHeight, filterWidth, inChannels, outChannels] from x [batch, height, width, inChannels]
 * and dy [batch, outHeight, outWidth, outChannels]; the paddings are those of dy: filter - 1 - pad.
 * Works through blocks of `images` images by `rows` rows of x. lists holds inChannels * capacity
 * entries, capacity = images * rows * width + 1; counts inChannels numbers; panel
 * images * (rows + filterHeight - 1) * (width + filterWidth - 1) strips; spill one strip.
 */
export function sparseFilterGrad(
  x: usize,
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
  counts: usize,
  panel: usize,
  spill: usize,
): void {
  const xPixel = (<usize>inChannels) << 2;
  const dyPixel = (<usize>outChannels) << 2;
  const listStep = <usize>(capacity * ENTRY);
  const panelWidth = width + filterWidth - 1;
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
      let ones: bool = true;
      for (let c = 0; c < inChannels; c += 4) {
        const valid = min(4, inChannels - c);
        const at = (<usize>c) << 2;
        if (valid == 4) {
          const allOnes = list4(
            from + at,
            xPixel,
            imageCount,
            xPixel * (height * width),
            listRows,
            listWidth,
            panelRows,
            panelWidth,
            lists + listStep * c,
            listStep,
            counts + at,
          );
          ones = ones && allOnes;
        } else {
          for (let i = 0; i < valid; i++) {
            const allOnes = list1(
              from + at + ((<usize>i) << 2),
              xPixel,
              imageCount,
              xPixel * (height * width),
              listRows,
              listWidth,
              panelRows,
              panelWidth,
              lists + listStep * (c + i),
              counts + at + ((<usize>i) << 2),
            );
            ones = ones && allOnes;
          }
        }
      }
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
          const end = list + load<u32>(counts + ((<usize>c) << 2)) * ENTRY;
          for (let kh = 0; kh < filterHeight; kh++) {
            for (let kw = 0; kw < filterWidth; kw++) {
              const tap = (filterHeight - 1 - kh) * panelWidth + (filterWidth - 1 - kw);
              const to =
                dw + dyPixel * ((kh * filterWidth + kw) * inChannels + c) + ((<usize>j) << 2);
              const whole = cols == STRIP;
              const sum = whole ? to : spill;
              const from = panel + <usize>(tap * PIXEL);
              if (ones) sumPlaces(list, end, from, sum, whole && accumulate != 0);
              else sumMultiples(list, end, from, sum, whole && accumulate != 0);
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

/** Exported, so that the optimizer keeps their loops apart, with the registers that these need. */
export function sumPlaces(list: usize, end: usize, panel: usize, to: usize, add: bool): void {
  sumListed(true, list, end, panel, to, add);
}

export function sumMultiples(list: usize, end: usize, panel: usize, to: usize, add: bool): void {
  sumListed(false, list, end, panel, to, add);
}

/** to[32] (=, or += if add) the sum over a list of value * panel[place][32]; of panel[place][32] for ones. */
@inline
function sumListed(ones: bool, list: usize, end: usize, panel: usize, to: usize, add: bool): void {
  let c0 = f32x4.splat(0);
  let c1 = c0,
    c2 = c0,
    c3 = c0,
    c4 = c0,
    c5 = c0,
    c6 = c0,
    c7 = c0;
  for (; list < end; list += ENTRY) {
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
      continue;
    }
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
  if (add) {
    c0 = f32x4.add(c0, v128.load(to));
    c1 = f32x4.add(c1, v128.load(to, 16));
    c2 = f32x4.add(c2, v128.load(to, 32));
    c3 = f32x4.add(c3, v128.load(to, 48));
    c4 = f32x4.add(c4, v128.load(to, 64));
    c5 = f32x4.add(c5, v128.load(to, 80));
    c6 = f32x4.add(c6, v128.load(to, 96));
    c7 = f32x4.add(c7, v128.load(to, 112));
  }
  v128.store(to, c0);
  v128.store(to, c1, 16);
  v128.store(to, c2, 32);
  v128.store(to, c3, 48);
  v128.store(to, c4, 64);
  v128.store(to, c5, 80);
  v128.store(to, c6, 96);
  v128.store(to, c7, 112);
}
