/** Packing: matrices and images into panels of 4 or 8 lanes, so that kernels read them in order. */

/** The 4 x 4 transpose of four rows, row `i` of the result; `i` is a constant. */
@inline
function column4(i: i32, r0: v128, r1: v128, r2: v128, r3: v128): v128 {
  const low = i < 2 ? i32x4.shuffle(r0, r1, 0, 4, 1, 5) : i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const high = i < 2 ? i32x4.shuffle(r2, r3, 0, 4, 1, 5) : i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  return i & 1 ? i64x2.shuffle(low, high, 1, 3) : i64x2.shuffle(low, high, 0, 2);
}

/**
 * Rows of `from` (lanes contiguous, `step` bytes from row to row) into [count][lanes] at `to`, rows
 * `toStep` bytes apart. Lanes beyond `valid` are 0.
 */
export function packRows(
  lanes: i32,
  from: usize,
  step: usize,
  count: i32,
  valid: i32,
  to: usize,
  toStep: usize,
): void {
  if (valid == lanes) {
    if (lanes == 8) {
      for (let i = 0; i < count; i++, from += step, to += toStep) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      }
    } else {
      for (let i = 0; i < count; i++, from += step, to += toStep) v128.store(to, v128.load(from));
    }
    return;
  }
  for (let i = 0; i < count; i++, from += step, to += toStep) {
    for (let j = 0; j < lanes; j++) {
      const at = (<usize>j) << 2;
      store<f32>(to + at, j < valid ? load<f32>(from + at) : 0);
    }
  }
}

/**
 * The same, transposed: lane j reads row j of `from` (`step` bytes apart), contiguous over `count`.
 */
export function packColumns(
  lanes: i32,
  from: usize,
  step: usize,
  count: i32,
  valid: i32,
  to: usize,
  toStep: usize,
): void {
  for (let first = 0; first < lanes; first += 4, valid -= 4, from += step << 2) {
    let target = to + ((<usize>first) << 2);
    let i = 0;
    let p = from;
    if (valid >= 4) {
      for (; i + 4 <= count; i += 4, p += 16, target += toStep << 2) {
        const r0 = v128.load(p);
        const r1 = v128.load(p + step);
        const r2 = v128.load(p + 2 * step);
        const r3 = v128.load(p + 3 * step);
        v128.store(target, column4(0, r0, r1, r2, r3));
        v128.store(target + toStep, column4(1, r0, r1, r2, r3));
        v128.store(target + 2 * toStep, column4(2, r0, r1, r2, r3));
        v128.store(target + 3 * toStep, column4(3, r0, r1, r2, r3));
      }
    }
    for (; i < count; i++, p += 4, target += toStep) {
      for (let j = 0; j < 4; j++) {
        store<f32>(target + ((<usize>j) << 2), j < valid ? load<f32>(p + step * j) : 0);
      }
    }
  }
}

/**
 * Images, channels last and pixels `pixel` bytes apart, into [ceil(channels / 4)][images][paddedRows][paddedWidth][4],
 * zero where there is no pixel. There, pixels are spreadHeight and spreadWidth apart, with row 0 of an image at row
 * -top and column 0 at padLeft.
 */
export function packImages(
  x: usize,
  pixel: usize,
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  top: i32,
  padLeft: i32,
  paddedRows: i32,
  paddedWidth: i32,
  spreadHeight: i32,
  spreadWidth: i32,
  to: usize,
  imageStep: usize,
  panel: usize,
): void {
  const from = (max(0, -padLeft) + spreadWidth - 1) / spreadWidth;
  const firstCol = padLeft + from * spreadWidth;
  const count = min(width - from, (paddedWidth - firstCol + spreadWidth - 1) / spreadWidth);
  if (count <= 0) return;
  for (let b = 0; b < images; b++) {
    for (let r = 0; r < paddedRows; r++) {
      const spread = top + r;
      if (spread < 0 || spread % spreadHeight) continue;
      const row = spread / spreadHeight;
      if (row >= height) break;
      const source = x + pixel * ((b * height + row) * width + from);
      const target = to + imageStep * b + ((<usize>(r * paddedWidth + firstCol)) << 4);
      for (let i = 0; i < channels; i += 4) {
        packRows(
          4,
          source + ((<usize>i) << 2),
          pixel,
          count,
          min(4, channels - i),
          target + panel * (i >> 2),
          (<usize>spreadWidth) << 4,
        );
      }
    }
  }
}
