/** The gradient of max pooling: to the first maximum of each window, row by row, as PyTorch's. */
import { load4or1, store4or1 } from './lanes';

/** The maximum of a row of three, and `best`. */
@inline
function max3(width: i32, best: v128, p: usize, colStep: usize): v128 {
  best = f32x4.pmax(best, load4or1(width, p));
  best = f32x4.pmax(best, load4or1(width, p + colStep));
  return f32x4.pmax(best, load4or1(width, p + 2 * colStep));
}

/** Adds the gradient where x is the maximum and none was before; returns where none was yet. */
@inline
function give(width: i32, x: usize, dx: usize, best: v128, gradient: v128, free: v128): v128 {
  const here = v128.and(f32x4.eq(load4or1(width, x), best), free);
  store4or1(width, dx, f32x4.add(load4or1(width, dx), v128.and(gradient, here)));
  return v128.andnot(free, here);
}

@inline
function give3(
  width: i32,
  x: usize,
  dx: usize,
  colStep: usize,
  best: v128,
  gradient: v128,
  free: v128,
): v128 {
  free = give(width, x, dx, best, gradient, free);
  free = give(width, x + colStep, dx + colStep, best, gradient, free);
  return give(width, x + 2 * colStep, dx + 2 * colStep, best, gradient, free);
}

/** One window of one vector of channels; the usual 3 x 3 is unrolled. */
@inline
function windowGrad(
  width: i32,
  x: usize,
  dx: usize,
  dy: usize,
  rows: i32,
  cols: i32,
  rowStep: usize,
  colStep: usize,
): void {
  const gradient = load4or1(width, dy);
  let best = load4or1(width, x);
  let free = i32x4.splat(-1);
  if (rows == 3 && cols == 3) {
    best = max3(width, best, x, colStep);
    best = max3(width, best, x + rowStep, colStep);
    best = max3(width, best, x + 2 * rowStep, colStep);
    free = give3(width, x, dx, colStep, best, gradient, free);
    free = give3(width, x + rowStep, dx + rowStep, colStep, best, gradient, free);
    give3(width, x + 2 * rowStep, dx + 2 * rowStep, colStep, best, gradient, free);
    return;
  }
  for (let r = 0, row = x; r < rows; r++, row += rowStep) {
    for (let c = 0, p = row; c < cols; c++, p += colStep)
      best = f32x4.pmax(best, load4or1(width, p));
  }
  const toDx = dx - x;
  for (let r = 0, row = x; r < rows; r++, row += rowStep) {
    for (let c = 0, p = row; c < cols; c++, p += colStep)
      free = give(width, p, p + toDx, best, gradient, free);
  }
}

/** dx, of x's shape [batch, height, width, channels], from dy [batch, outHeight, outWidth, channels]. */
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
  const colStep = (<usize>channels) << 2;
  const rowStep = colStep * width;
  memory.fill(dx, 0, rowStep * height * batch);
  for (let b = 0; b < batch; b++) {
    for (let oh = 0; oh < outHeight; oh++) {
      const top = oh * strideHeight - padTop;
      const firstRow = max(0, top);
      const rows = min(height, top + poolHeight) - firstRow;
      for (let ow = 0; ow < outWidth; ow++) {
        const left = ow * strideWidth - padLeft;
        const firstCol = max(0, left);
        const cols = min(width, left + poolWidth) - firstCol;
        if (rows > 0 && cols > 0) {
          let at = rowStep * firstRow + colStep * firstCol;
          let g = dy;
          let c = channels;
          for (; c >= 4; c -= 4, at += 16, g += 16) {
            windowGrad(4, x + at, dx + at, g, rows, cols, rowStep, colStep);
          }
          for (; c > 0; c--, at += 4, g += 4) {
            windowGrad(1, x + at, dx + at, g, rows, cols, rowStep, colStep);
          }
        }
        dy += colStep;
      }
    }
    x += rowStep * height;
    dx += rowStep * height;
  }
}
