/** Permuted and repeated copies of 4-byte elements: out is contiguous, strides are of x, in bytes. */
import { packColumns } from './pack';

/** out [d0, d1, d2, d3, run] from contiguous runs of x; a stride of 0 repeats. */
export function copyStrided(
  x: usize,
  out: usize,
  d0: i32,
  d1: i32,
  d2: i32,
  d3: i32,
  run: i32,
  s0: usize,
  s1: usize,
  s2: usize,
  s3: usize,
): void {
  const bytes = (<usize>run) << 2;
  for (let h = 0; h < d0; h++, x += s0) {
    for (let i = 0, xi = x; i < d1; i++, xi += s1) {
      for (let j = 0, xj = xi; j < d2; j++, xj += s2) {
        if (run == 1) {
          for (let k = 0, p = xj; k < d3; k++, p += s3, out += 4) store<f32>(out, load<f32>(p));
          continue;
        }
        for (let k = 0, p = xj; k < d3; k++, p += s3, out += bytes) {
          let at: usize = 0;
          for (; at + 16 <= bytes; at += 16) v128.store(out + at, v128.load(p + at));
          for (; at < bytes; at += 4) store<f32>(out + at, load<f32>(p + at));
        }
      }
    }
  }
}

/**
 * out [d0, d1, cols, rows] from x [d0, d1, rows, cols], cols contiguous, rows rowStep apart: in
 * strips of 64 columns, so that the lines of out stay cached from one row to the next.
 */
export function transposeStrided(
  x: usize,
  out: usize,
  d0: i32,
  d1: i32,
  cols: i32,
  rows: i32,
  s0: usize,
  s1: usize,
  rowStep: usize,
): void {
  const outStep = (<usize>rows) << 2;
  for (let i = 0; i < d0; i++, x += s0) {
    for (let j = 0, xj = x; j < d1; j++, xj += s1) {
      for (let c = 0; c < cols; c += 64) {
        const count = min(64, cols - c);
        const strip = xj + ((<usize>c) << 2);
        for (let r = 0; r < rows; r += 4) {
          const to = out + outStep * c + ((<usize>r) << 2);
          if (r + 4 <= rows) packColumns(4, strip + rowStep * r, rowStep, count, 4, to, outStep);
          else copyColumns(strip + rowStep * r, rowStep, rows - r, count, to, outStep);
        }
      }
      out += outStep * cols;
    }
  }
}

/** The last, incomplete four rows. */
function copyColumns(
  x: usize,
  rowStep: usize,
  rows: i32,
  count: i32,
  to: usize,
  toStep: usize,
): void {
  for (let r = 0; r < rows; r++, x += rowStep, to += 4) {
    for (let i = 0, p = x, t = to; i < count; i++, p += 4, t += toStep) store<f32>(t, load<f32>(p));
  }
}
