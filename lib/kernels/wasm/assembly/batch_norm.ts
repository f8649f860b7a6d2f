/**
 * Batch normalization's passes over x [rows, period]. period is a multiple of 4: the caller repeats the channels until
 * it is. `total` counts elements; the last, incomplete row is processed one by one.
 */
import { addToDoubles } from './lanes';

/** Rows that are summed in float32 before float64 takes over: keeps error near 1e-7, and x in L1. */
@inline
function rowsPerBlock(period: i32): i32 {
  return max(8, min(64, 8192 / period));
}

/** Adds sum(x - shift) and sum((x - shift)^2) to float64 sums [period]. */
export function batchNormSums(
  x: usize,
  total: i32,
  period: i32,
  shift: usize,
  sums: usize,
  squares: usize,
): void {
  const rows = total / period;
  const step = (<usize>period) << 2;
  const block = rowsPerBlock(period);
  for (let row = 0; row < rows; row += block) {
    const count = min(block, rows - row);
    let c = 0;
    for (; c + 16 <= period; c += 16) {
      const at = (<usize>c) << 2;
      const m0 = v128.load(shift + at);
      const m1 = v128.load(shift + at, 16);
      const m2 = v128.load(shift + at, 32);
      const m3 = v128.load(shift + at, 48);
      let s0 = f32x4.splat(0);
      let s1 = s0,
        s2 = s0,
        s3 = s0,
        q0 = s0,
        q1 = s0,
        q2 = s0,
        q3 = s0;
      let p = x + at;
      for (let i = 0; i < count; i++, p += step) {
        const d0 = f32x4.sub(v128.load(p), m0);
        const d1 = f32x4.sub(v128.load(p, 16), m1);
        const d2 = f32x4.sub(v128.load(p, 32), m2);
        const d3 = f32x4.sub(v128.load(p, 48), m3);
        s0 = f32x4.add(s0, d0);
        s1 = f32x4.add(s1, d1);
        s2 = f32x4.add(s2, d2);
        s3 = f32x4.add(s3, d3);
        q0 = f32x4.add(q0, f32x4.mul(d0, d0));
        q1 = f32x4.add(q1, f32x4.mul(d1, d1));
        q2 = f32x4.add(q2, f32x4.mul(d2, d2));
        q3 = f32x4.add(q3, f32x4.mul(d3, d3));
      }
      addToDoubles(sums + (at << 1), s0);
      addToDoubles(sums + (at << 1) + 32, s1);
      addToDoubles(sums + (at << 1) + 64, s2);
      addToDoubles(sums + (at << 1) + 96, s3);
      addToDoubles(squares + (at << 1), q0);
      addToDoubles(squares + (at << 1) + 32, q1);
      addToDoubles(squares + (at << 1) + 64, q2);
      addToDoubles(squares + (at << 1) + 96, q3);
    }
    for (; c < period; c += 4) {
      const at = (<usize>c) << 2;
      const m = v128.load(shift + at);
      let s = f32x4.splat(0);
      let q = s;
      let p = x + at;
      for (let i = 0; i < count; i++, p += step) {
        const d = f32x4.sub(v128.load(p), m);
        s = f32x4.add(s, d);
        q = f32x4.add(q, f32x4.mul(d, d));
      }
      addToDoubles(sums + (at << 1), s);
      addToDoubles(squares + (at << 1), q);
    }
    x += step * count;
  }
  for (let c = 0, tail = total - rows * period; c < tail; c++) {
    const d = <f64>(load<f32>(x + ((<usize>c) << 2)) - load<f32>(shift + ((<usize>c) << 2)));
    const to = (<usize>c) << 3;
    store<f64>(sums + to, load<f64>(sums + to) + d);
    store<f64>(squares + to, load<f64>(squares + to) + d * d);
  }
}

/** y = (x - mean) scale + beta */
export function batchNormApply(
  x: usize,
  y: usize,
  total: i32,
  period: i32,
  mean: usize,
  scale: usize,
  beta: usize,
): void {
  const rows = total / period;
  const step = (<usize>period) << 2;
  for (let row = 0; row < rows; row++) {
    for (let at: usize = 0; at < step; at += 16) {
      const d = f32x4.sub(v128.load(x + at), v128.load(mean + at));
      v128.store(y + at, f32x4.add(f32x4.mul(d, v128.load(scale + at)), v128.load(beta + at)));
    }
    x += step;
    y += step;
  }
  for (let at: usize = 0, tail = (<usize>(total - rows * period)) << 2; at < tail; at += 4) {
    store<f32>(
      y + at,
      (load<f32>(x + at) - load<f32>(mean + at)) * load<f32>(scale + at) + load<f32>(beta + at),
    );
  }
}

/** Adds sum(dy) and sum(dy (x - mean)) to float64 sums [period]. */
export function batchNormGradSums(
  x: usize,
  dy: usize,
  total: i32,
  period: i32,
  mean: usize,
  sums: usize,
  products: usize,
): void {
  const rows = total / period;
  const step = (<usize>period) << 2;
  const block = rowsPerBlock(period);
  for (let row = 0; row < rows; row += block) {
    const count = min(block, rows - row);
    let c = 0;
    for (; c + 8 <= period; c += 8) {
      const at = (<usize>c) << 2;
      const m0 = v128.load(mean + at);
      const m1 = v128.load(mean + at, 16);
      let s0 = f32x4.splat(0);
      let s1 = s0,
        q0 = s0,
        q1 = s0;
      let p = x + at;
      let g = dy + at;
      for (let i = 0; i < count; i++, p += step, g += step) {
        const g0 = v128.load(g);
        const g1 = v128.load(g, 16);
        s0 = f32x4.add(s0, g0);
        s1 = f32x4.add(s1, g1);
        q0 = f32x4.add(q0, f32x4.mul(g0, f32x4.sub(v128.load(p), m0)));
        q1 = f32x4.add(q1, f32x4.mul(g1, f32x4.sub(v128.load(p, 16), m1)));
      }
      addToDoubles(sums + (at << 1), s0);
      addToDoubles(sums + (at << 1) + 32, s1);
      addToDoubles(products + (at << 1), q0);
      addToDoubles(products + (at << 1) + 32, q1);
    }
    for (; c < period; c += 4) {
      const at = (<usize>c) << 2;
      const m = v128.load(mean + at);
      let s = f32x4.splat(0);
      let q = s;
      let p = x + at;
      let g = dy + at;
      for (let i = 0; i < count; i++, p += step, g += step) {
        const d = v128.load(g);
        s = f32x4.add(s, d);
        q = f32x4.add(q, f32x4.mul(d, f32x4.sub(v128.load(p), m)));
      }
      addToDoubles(sums + (at << 1), s);
      addToDoubles(products + (at << 1), q);
    }
    x += step * count;
    dy += step * count;
  }
  for (let c = 0, tail = total - rows * period; c < tail; c++) {
    const at = (<usize>c) << 2;
    const d = <f64>load<f32>(dy + at);
    const q = d * <f64>(load<f32>(x + at) - load<f32>(mean + at));
    store<f64>(sums + (at << 1), load<f64>(sums + (at << 1)) + d);
    store<f64>(products + (at << 1), load<f64>(products + (at << 1)) + q);
  }
}

/** dx = a dy + b (x - mean) + c */
export function batchNormGradApply(
  x: usize,
  dy: usize,
  dx: usize,
  total: i32,
  period: i32,
  mean: usize,
  a: usize,
  b: usize,
  c: usize,
): void {
  const rows = total / period;
  const step = (<usize>period) << 2;
  for (let row = 0; row < rows; row++) {
    for (let at: usize = 0; at < step; at += 16) {
      const d = f32x4.mul(f32x4.sub(v128.load(x + at), v128.load(mean + at)), v128.load(b + at));
      const g = f32x4.mul(v128.load(dy + at), v128.load(a + at));
      v128.store(dx + at, f32x4.add(f32x4.add(g, d), v128.load(c + at)));
    }
    x += step;
    dy += step;
    dx += step;
  }
  for (let at: usize = 0, tail = (<usize>(total - rows * period)) << 2; at < tail; at += 4) {
    const d = (load<f32>(x + at) - load<f32>(mean + at)) * load<f32>(b + at);
    store<f32>(dx + at, load<f32>(dy + at) * load<f32>(a + at) + d + load<f32>(c + at));
  }
}
