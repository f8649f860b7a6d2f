/** Sums, or means, over axes that lie side by side: x is [outer, reduce, inner]. */
import { load4or1, store4or1 } from './lanes';

/** out [outer, inner] = sums / divisor. Rows are added in blocks, so that long sums stay precise. */
export function sumMiddle(
  x: usize,
  out: usize,
  outer: i32,
  reduce: i32,
  inner: i32,
  divisor: f32,
): void {
  const step = (<usize>inner) << 2;
  for (let o = 0; o < outer; o++, out += step) {
    for (let row = 0; row < reduce; row += 64) {
      const count = min(64, reduce - row);
      let i = inner;
      let from = x;
      let to = out;
      for (; i >= 16; i -= 16, from += 64, to += 64) {
        let s0 = f32x4.splat(0);
        let s1 = s0,
          s2 = s0,
          s3 = s0;
        for (let r = 0, p = from; r < count; r++, p += step) {
          s0 = f32x4.add(s0, v128.load(p));
          s1 = f32x4.add(s1, v128.load(p, 16));
          s2 = f32x4.add(s2, v128.load(p, 32));
          s3 = f32x4.add(s3, v128.load(p, 48));
        }
        if (row) {
          s0 = f32x4.add(s0, v128.load(to));
          s1 = f32x4.add(s1, v128.load(to, 16));
          s2 = f32x4.add(s2, v128.load(to, 32));
          s3 = f32x4.add(s3, v128.load(to, 48));
        }
        v128.store(to, s0);
        v128.store(to, s1, 16);
        v128.store(to, s2, 32);
        v128.store(to, s3, 48);
      }
      for (; i >= 4; i -= 4, from += 16, to += 16) sumColumn(4, from, to, count, step, row);
      for (; i > 0; i--, from += 4, to += 4) sumColumn(1, from, to, count, step, row);
      x += step * count;
    }
    if (divisor != 1) divide(out, inner, divisor);
  }
}

@inline
function sumColumn(
  width: i32,
  from: usize,
  to: usize,
  count: i32,
  step: usize,
  accumulate: i32,
): void {
  let sum = f32x4.splat(0);
  for (let r = 0; r < count; r++, from += step) sum = f32x4.add(sum, load4or1(width, from));
  if (accumulate) sum = f32x4.add(sum, load4or1(width, to));
  store4or1(width, to, sum);
}

function divide(p: usize, count: i32, divisor: f32): void {
  const by = f32x4.splat(divisor);
  for (; count >= 4; count -= 4, p += 16) v128.store(p, f32x4.div(v128.load(p), by));
  for (; count > 0; count--, p += 4) store<f32>(p, load<f32>(p) / divisor);
}

/** out [outer] = sums of `reduce` neighbors / divisor, blocks of 1024 added in float64. */
export function sumTrailing(x: usize, out: usize, outer: i32, reduce: i32, divisor: f32): void {
  for (let o = 0; o < outer; o++, out += 4) {
    let total: f64 = 0;
    for (let done = 0; done < reduce; ) {
      let count = min(1024, reduce - done);
      done += count;
      let s0 = f32x4.splat(0);
      let s1 = s0,
        s2 = s0,
        s3 = s0;
      for (; count >= 16; count -= 16, x += 64) {
        s0 = f32x4.add(s0, v128.load(x));
        s1 = f32x4.add(s1, v128.load(x, 16));
        s2 = f32x4.add(s2, v128.load(x, 32));
        s3 = f32x4.add(s3, v128.load(x, 48));
      }
      const s = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
      let sum =
        f32x4.extract_lane(s, 0) +
        f32x4.extract_lane(s, 1) +
        (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3));
      for (; count > 0; count--, x += 4) sum += load<f32>(x);
      total += <f64>sum;
    }
    store<f32>(out, <f32>(total / <f64>divisor));
  }
}
