/**
 * Spiking attention and its gradient, each head where it lies among the others. A product with spikes adds a row for
 * each of them; only the gradient of q is a product of other numbers.
 */
import { nonZero16 } from './lanes';
import { micro4x8 } from './micro_kernel';
import { packColumns, packRows } from './pack';

/** Whether every number is 0 or 1. */
export function areSpikes(x: usize, count: i32): bool {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  let others = zero;
  for (; count >= 4; count -= 4, x += 16) {
    const value = v128.load(x);
    others = v128.or(others, v128.and(f32x4.ne(value, zero), f32x4.ne(value, one)));
  }
  if (v128.any_true(others)) return false;
  for (; count > 0; count--, x += 4) {
    const value = load<f32>(x);
    if (value != 0 && value != 1) return false;
  }
  return true;
}

@inline
function clear(to: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(to + i, f32x4.splat(0));
  for (; i < bytes; i += 4) store<f32>(to + i, 0);
}

/** to = scale * from. */
@inline
function scaleRow(from: usize, scale: f32, to: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) {
    v128.store(to + i, f32x4.mul(v128.load(from + i), f32x4.splat(scale)));
  }
  for (; i < bytes; i += 4) store<f32>(to + i, load<f32>(from + i) * scale);
}

/** to += from. */
@inline
function addRow(from: usize, to: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) {
    v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
  }
  for (; i < bytes; i += 4) store<f32>(to + i, load<f32>(to + i) + load<f32>(from + i));
}

/** Adds a row for each spike i of x [count]: the one i fromSteps from `from` to the one i toSteps from `to`. */
function addAtSpikes(
  x: usize,
  count: i32,
  from: usize,
  fromStep: usize,
  to: usize,
  toStep: usize,
  bytes: usize,
): void {
  for (; count >= 16; count -= 16, x += 64, from += fromStep << 4, to += toStep << 4) {
    for (let mask = nonZero16(x); mask != 0; mask &= mask - 1) {
      const i = <usize>ctz(mask);
      addRow(from + fromStep * i, to + toStep * i, bytes);
    }
  }
  for (; count > 0; count--, x += 4, from += fromStep, to += toStep) {
    if (load<f32>(x) != 0) addRow(from, to, bytes);
  }
}

/** to [headDim, headDim] = aT b, for a of spikes: rows of a and b are `aStep` and `bStep` bytes apart. */
function transposedProduct(
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  tokens: i32,
  headDim: i32,
  to: usize,
): void {
  const row = (<usize>headDim) << 2;
  clear(to, row * headDim);
  for (let n = 0; n < tokens; n++, a += aStep, b += bStep) {
    addAtSpikes(a, headDim, b, 0, to, row, row);
  }
}

/**
 * to [tokens, headDim] = a b, for a of spikes and b [headDim, headDim]: rows of a and `to` are `step` bytes apart, those
 * of b `bStep`.
 */
function product(
  a: usize,
  b: usize,
  bStep: usize,
  tokens: i32,
  headDim: i32,
  to: usize,
  step: usize,
): void {
  const row = (<usize>headDim) << 2;
  for (let n = 0; n < tokens; n++, a += step, to += step) {
    clear(to, row);
    addAtSpikes(a, headDim, b, bStep, to, 0, row);
  }
}

/**
 * y = scale q (kT v) for every head; all are [steps, tokens, heads, headDim], and q, k and v spikes. kv is [headDim,
 * headDim].
 */
export function attention(
  q: usize,
  k: usize,
  v: usize,
  y: usize,
  steps: i32,
  tokens: i32,
  heads: i32,
  headDim: i32,
  scale: f32,
  kv: usize,
): void {
  const row = (<usize>headDim) << 2;
  const pixel = row * heads;
  for (let step = 0; step < steps; step++) {
    for (let at: usize = 0; at < pixel; at += row) {
      transposedProduct(k + at, pixel, v + at, pixel, tokens, headDim, kv);
      // Whole numbers: scaled now, they give the same sums only if scale is a power of two.
      product(q + at, kv, row, tokens, headDim, y + at, pixel);
    }
    const bytes = pixel * tokens;
    scaleRow(y, scale, y, bytes);
    q += bytes;
    k += bytes;
    v += bytes;
    y += bytes;
  }
}

/**
 * The gradient of `attention`: dq = scale dy (kT v)T; with d = scale qT dy, dk = v dT and dv = k d. scratch: 32 floats,
 * then [tokens, headDim], and [headDim, columns] with headDim columns, those rounded up to 4, to 8, and 4.
 */
export function attentionGrad(
  dy: usize,
  q: usize,
  k: usize,
  v: usize,
  dq: usize,
  dk: usize,
  dv: usize,
  steps: i32,
  tokens: i32,
  heads: i32,
  headDim: i32,
  scale: f32,
  scratch: usize,
): void {
  const row = (<usize>headDim) << 2;
  const pixel = row * heads;
  const scaled = scratch + 128;
  const square = scaled + row * tokens;
  const transposed = square + row * headDim;
  const wide = ((<usize>headDim + 3) & ~3) << 2;
  const panels = transposed + wide * headDim;
  const four = panels + row * ((headDim + 7) & ~7);
  for (let step = 0; step < steps; step++) {
    for (let at: usize = 0; at < pixel; at += row) {
      let from = dy + at;
      for (let to = scaled; to < square; to += row, from += pixel) scaleRow(from, scale, to, row);
      transposedProduct(v + at, pixel, k + at, pixel, tokens, headDim, square);
      dense(scaled, square, tokens, headDim, dq + at, pixel, panels, four, scratch);
      transposedProduct(q + at, pixel, scaled, row, tokens, headDim, square);
      product(k + at, square, row, tokens, headDim, dv + at, pixel);
      packColumns(headDim, square, row, headDim, headDim, transposed, wide);
      product(v + at, transposed, wide, tokens, headDim, dk + at, pixel);
    }
    const bytes = pixel * tokens;
    dy += bytes;
    q += bytes;
    k += bytes;
    v += bytes;
    dq += bytes;
    dk += bytes;
    dv += bytes;
  }
}

/** to = a b, with a [tokens, headDim], b [headDim, headDim], and rows of `to` `step` bytes apart. */
function dense(
  a: usize,
  b: usize,
  tokens: i32,
  headDim: i32,
  to: usize,
  step: usize,
  panels: usize,
  four: usize,
  spill: usize,
): void {
  const row = (<usize>headDim) << 2;
  let panel = panels;
  for (let j = 0; j < headDim; j += 8, panel += row << 3) {
    packRows(8, b + ((<usize>j) << 2), row, headDim, min(8, headDim - j), panel, 32);
  }
  for (let i = 0; i < tokens; i += 4, a += row << 2, to += step << 2) {
    const rows = min(4, tokens - i);
    packColumns(4, a, row, headDim, rows, four, 16);
    panel = panels;
    for (let j = 0; j < headDim; j += 8, panel += row << 3) {
      const cols = min(8, headDim - j);
      const at = to + ((<usize>j) << 2);
      micro4x8(four, panel, 1, 1, headDim, 0, 0, 16, at, step, 0, rows, cols, spill);
    }
  }
}
