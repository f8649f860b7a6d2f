/**
 * Max pooling as in PyTorch: padding never wins, NaN always does; the gradient goes to the first maximum of a window,
 * row by row, or to its last NaN. The vector maximum costs one instruction but may drop NaN. The sum of the window
 * shows whether it may have; those few windows are read again.
 */
import { load4or1, store4or1 } from './lanes';

@inline
function hasNaN(sum: v128): bool {
  return v128.any_true(f32x4.ne(sum, sum));
}

/** The maximum of a window, or NaN. */
function maxOrNaN(
  width: i32,
  x: usize,
  rows: i32,
  cols: i32,
  rowStep: usize,
  colStep: usize,
): v128 {
  let best = load4or1(width, x);
  for (let r = 0, row = x; r < rows; r++, row += rowStep) {
    for (let c = 0, p = row; c < cols; c++, p += colStep)
      best = f32x4.max(best, load4or1(width, p));
  }
  return best;
}

/** Adds the gradient where `here` is the first maximum so far; returns the lanes that have had none yet. */
@inline
function give(width: i32, here: v128, dx: usize, best: v128, gradient: v128, free: v128): v128 {
  const wins = v128.and(f32x4.eq(here, best), free);
  store4or1(width, dx, f32x4.add(load4or1(width, dx), v128.and(gradient, wins)));
  return v128.andnot(free, wins);
}

/** The same for a window that may hold NaN: finds the winner, then gives it the gradient. */
function giveToLastNaN(
  width: i32,
  x: usize,
  dx: usize,
  gradient: v128,
  rows: i32,
  cols: i32,
  rowStep: usize,
  colStep: usize,
): void {
  let best = f32x4.splat(-Infinity);
  let winner = i32x4.splat(0);
  let place = 0;
  for (let r = 0, row = x; r < rows; r++, row += rowStep) {
    for (let c = 0, p = row; c < cols; c++, p += colStep, place++) {
      const here = load4or1(width, p);
      const takes = v128.or(f32x4.gt(here, best), f32x4.ne(here, here));
      best = v128.bitselect(here, best, takes);
      winner = v128.bitselect(i32x4.splat(place), winner, takes);
    }
  }
  place = 0;
  for (let r = 0, row = dx; r < rows; r++, row += rowStep) {
    for (let c = 0, p = row; c < cols; c++, p += colStep, place++) {
      const given = v128.and(gradient, i32x4.eq(winner, i32x4.splat(place)));
      store4or1(width, p, f32x4.add(load4or1(width, p), given));
    }
  }
}

/**
 * One window of one vector of channels: its maximum goes to `pooled` or, backward, the gradient from there to dx. The
 * usual 3x3 is unrolled for whole vectors.
 */
@inline
function window(
  backward: bool,
  width: i32,
  x: usize,
  dx: usize,
  pooled: usize,
  rows: i32,
  cols: i32,
  rowStep: usize,
  colStep: usize,
): void {
  let best = load4or1(width, x);
  if (width == 4 && rows == 3 && cols == 3) {
    const a = best;
    const b = load4or1(width, x + colStep);
    const c = load4or1(width, x + 2 * colStep);
    const d = load4or1(width, x + rowStep);
    const e = load4or1(width, x + rowStep + colStep);
    const f = load4or1(width, x + rowStep + 2 * colStep);
    const g = load4or1(width, x + 2 * rowStep);
    const h = load4or1(width, x + 2 * rowStep + colStep);
    const i = load4or1(width, x + 2 * rowStep + 2 * colStep);
    let sum = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    sum = f32x4.add(f32x4.add(sum, f32x4.add(e, f)), f32x4.add(f32x4.add(g, h), i));
    best = f32x4.pmax(f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)), f32x4.pmax(e, f));
    best = f32x4.pmax(best, f32x4.pmax(f32x4.pmax(g, h), i));
    if (!backward) {
      if (hasNaN(sum)) best = maxOrNaN(width, x, rows, cols, rowStep, colStep);
      store4or1(width, pooled, best);
      return;
    }
    const gradient = load4or1(width, pooled);
    if (hasNaN(sum)) {
      giveToLastNaN(width, x, dx, gradient, rows, cols, rowStep, colStep);
      return;
    }
    let free = i32x4.splat(-1);
    free = give(width, a, dx, best, gradient, free);
    free = give(width, b, dx + colStep, best, gradient, free);
    free = give(width, c, dx + 2 * colStep, best, gradient, free);
    free = give(width, d, dx + rowStep, best, gradient, free);
    free = give(width, e, dx + rowStep + colStep, best, gradient, free);
    free = give(width, f, dx + rowStep + 2 * colStep, best, gradient, free);
    free = give(width, g, dx + 2 * rowStep, best, gradient, free);
    free = give(width, h, dx + 2 * rowStep + colStep, best, gradient, free);
    give(width, i, dx + 2 * rowStep + 2 * colStep, best, gradient, free);
    return;
  }
  let sum = f32x4.splat(0);
  for (let r = 0, row = x; r < rows; r++, row += rowStep) {
    for (let c = 0, p = row; c < cols; c++, p += colStep) {
      const here = load4or1(width, p);
      sum = f32x4.add(sum, here);
      best = f32x4.pmax(best, here);
    }
  }
  if (!backward) {
    if (hasNaN(sum)) best = maxOrNaN(width, x, rows, cols, rowStep, colStep);
    store4or1(width, pooled, best);
    return;
  }
  const gradient = load4or1(width, pooled);
  if (hasNaN(sum)) {
    giveToLastNaN(width, x, dx, gradient, rows, cols, rowStep, colStep);
    return;
  }
  const toDx = dx - x;
  let free = i32x4.splat(-1);
  for (let r = 0, row = x; r < rows; r++, row += rowStep) {
    for (let c = 0, p = row; c < cols; c++, p += colStep)
      free = give(width, load4or1(width, p), p + toDx, best, gradient, free);
  }
}

@inline
function eachWindow(
  backward: bool,
  x: usize,
  pooled: usize,
  dx: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  poolHeight: i32,
  poolWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const colStep = (<usize>channels) << 2;
  const rowStep = colStep * width;
  const image = rowStep * height;
  for (let b = 0; b < batch; b++, x += image, dx += image) {
    for (let oh = 0; oh < outHeight; oh++) {
      const top = oh * strideHeight - padTop;
      const firstRow = max(0, top);
      const rows = min(height, top + poolHeight) - firstRow;
      for (let ow = 0; ow < outWidth; ow++, pooled += colStep) {
        const left = ow * strideWidth - padLeft;
        const firstCol = max(0, left);
        const cols = min(width, left + poolWidth) - firstCol;
        if (rows <= 0 || cols <= 0) continue;
        let at = rowStep * firstRow + colStep * firstCol;
        let to = pooled;
        let c = channels;
        for (; c >= 4; c -= 4, at += 16, to += 16) {
          window(backward, 4, x + at, dx + at, to, rows, cols, rowStep, colStep);
        }
        for (; c > 0; c--, at += 4, to += 4) {
          window(backward, 1, x + at, dx + at, to, rows, cols, rowStep, colStep);
        }
      }
    }
  }
}

/** y [batch, outHeight, outWidth, channels] from x [batch, height, width, channels]. */
export function maxPool(
  x: usize,
  y: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  poolHeight: i32,
  poolWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  eachWindow(
    false,
    x,
    y,
    0,
    batch,
    height,
    width,
    channels,
    outHeight,
    outWidth,
    poolHeight,
    poolWidth,
    strideHeight,
    strideWidth,
    padTop,
    padLeft,
  );
}

/** dx, of x's shape, from dy, of the pool's. */
export function maxPoolGrad(
  x: usize,
  dy: usize,
  dx: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  poolHeight: i32,
  poolWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  memory.fill(dx, 0, ((<usize>channels) << 2) * width * height * batch);
  eachWindow(
    true,
    x,
    dy,
    dx,
    batch,
    height,
    width,
    channels,
    outHeight,
    outWidth,
    poolHeight,
    poolWidth,
    strideHeight,
    strideWidth,
    padTop,
    padLeft,
  );
}
