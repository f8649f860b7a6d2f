/**
 * MultiStepLIF: charge, fire, reset for all time steps with the membrane in registers. x is
 * [batch, time, n]; vectors run over n.
 */
import { bits16, load4or1, store4or1 } from './lanes';

// Bits of `mode`: a constant in every inlined copy.
export const DECAY_INPUT = 1;
const DIVIDE = 2; // k is tau, not 1 / tau
export const SOFT_RESET = 4;
export const RECORD = 8; // write h, not spikes
export const KEEP = 16; // k is the share of v that stays; excludes the first two

/** The membrane before firing. The order of operations is the specification's, so that results are exact. */
@inline
function charge(mode: i32, v: v128, x: v128, k: v128, vReset: v128): v128 {
  if (mode & KEEP) return f32x4.add(f32x4.mul(v, k), x);
  const leak = f32x4.sub(v, vReset);
  if (mode & DECAY_INPUT) {
    const drive = f32x4.sub(x, leak);
    return f32x4.add(v, mode & DIVIDE ? f32x4.div(drive, k) : f32x4.mul(drive, k));
  }
  return f32x4.add(f32x4.sub(v, mode & DIVIDE ? f32x4.div(leak, k) : f32x4.mul(leak, k)), x);
}

/** An infinite h that fired leaves NaN, as in h (1 - s) + vReset s. */
@inline
export function reset(soft: i32, h: v128, fired: v128, vThreshold: v128, vReset: v128): v128 {
  return soft
    ? f32x4.sub(h, v128.and(fired, vThreshold))
    : v128.bitselect(f32x4.add(vReset, f32x4.sub(h, h)), h, fired);
}

/** All time steps of one vector of neurons. */
@inline
function column(
  mode: i32,
  width: i32,
  x: usize,
  v0: usize,
  out: usize,
  vOut: usize,
  time: i32,
  xStep: usize,
  outStep: usize,
  k: v128,
  vThreshold: v128,
  vReset: v128,
): void {
  let v = v0 ? load4or1(width, v0) : vReset;
  for (let t = 0; t < time; t++) {
    const h = charge(mode, v, load4or1(width, x), k, vReset);
    const fired = f32x4.ge(h, vThreshold);
    v = reset(mode & SOFT_RESET, h, fired, vThreshold, vReset);
    if (mode & RECORD) v128.store(out, h);
    else store4or1(width, out, v128.and(fired, f32x4.splat(1)));
    x += xStep;
    out += outStep;
  }
  if (vOut) store4or1(width, vOut, v);
}

/**
 * All time steps of `count` neurons side by side, four vectors in flight. `packed`: whether spikes are written as bits;
 * `count` is then a multiple of 16.
 */
@inline
function columns(
  mode: i32,
  count: i32,
  x: usize,
  v0: usize,
  out: usize,
  packed: bool,
  vOut: usize,
  time: i32,
  xStep: usize,
  outStep: usize,
  k: v128,
  vThreshold: v128,
  vReset: v128,
): void {
  const one = f32x4.splat(1);
  for (; count >= 16; count -= 16) {
    let va = v0 ? v128.load(v0) : vReset;
    let vb = v0 ? v128.load(v0, 16) : vReset;
    let vc = v0 ? v128.load(v0, 32) : vReset;
    let vd = v0 ? v128.load(v0, 48) : vReset;
    let xt = x;
    let ot = out;
    for (let t = 0; t < time; t++) {
      const ha = charge(mode, va, v128.load(xt), k, vReset);
      const hb = charge(mode, vb, v128.load(xt, 16), k, vReset);
      const hc = charge(mode, vc, v128.load(xt, 32), k, vReset);
      const hd = charge(mode, vd, v128.load(xt, 48), k, vReset);
      const fa = f32x4.ge(ha, vThreshold);
      const fb = f32x4.ge(hb, vThreshold);
      const fc = f32x4.ge(hc, vThreshold);
      const fd = f32x4.ge(hd, vThreshold);
      va = reset(mode & SOFT_RESET, ha, fa, vThreshold, vReset);
      vb = reset(mode & SOFT_RESET, hb, fb, vThreshold, vReset);
      vc = reset(mode & SOFT_RESET, hc, fc, vThreshold, vReset);
      vd = reset(mode & SOFT_RESET, hd, fd, vThreshold, vReset);
      if (!(mode & RECORD) && packed) {
        store<u16>(ot, <u16>bits16(fa, fb, fc, fd));
      } else {
        v128.store(ot, mode & RECORD ? ha : v128.and(fa, one));
        v128.store(ot, mode & RECORD ? hb : v128.and(fb, one), 16);
        v128.store(ot, mode & RECORD ? hc : v128.and(fc, one), 32);
        v128.store(ot, mode & RECORD ? hd : v128.and(fd, one), 48);
      }
      xt += xStep;
      ot += outStep;
    }
    if (vOut) {
      v128.store(vOut, va);
      v128.store(vOut, vb, 16);
      v128.store(vOut, vc, 32);
      v128.store(vOut, vd, 48);
      vOut += 64;
    }
    if (v0) v0 += 64;
    x += 64;
    out += packed ? 2 : 64;
  }
  for (; count >= 4; count -= 4) {
    column(mode, 4, x, v0, out, vOut, time, xStep, outStep, k, vThreshold, vReset);
    if (v0) v0 += 16;
    if (vOut) vOut += 16;
    x += 16;
    out += 16;
  }
  // A tail that is recorded takes a whole vector of scratch per neuron.
  const next: usize = mode & RECORD ? 16 : 4;
  for (; count > 0; count--) {
    column(mode, 1, x, v0, out, vOut, time, xStep, outStep, k, vThreshold, vReset);
    if (v0) v0 += 4;
    if (vOut) vOut += 4;
    x += 4;
    out += next;
  }
}

/** `columns` with the mode as a constant. A soft reset without DECAY_INPUT is a KEEP. */
export function run(
  mode: i32,
  count: i32,
  x: usize,
  v0: usize,
  out: usize,
  packed: bool,
  vOut: usize,
  time: i32,
  xStep: usize,
  outStep: usize,
  k: v128,
  th: v128,
  vr: v128,
): void {
  switch (mode) {
    case 0:
      columns(0, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 1:
      columns(1, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 2:
      columns(2, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 3:
      columns(3, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 5:
      columns(5, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 7:
      columns(7, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 16:
      columns(16, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 20:
      columns(20, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 8:
      columns(8, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 9:
      columns(9, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 10:
      columns(10, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 11:
      columns(11, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 13:
      columns(13, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 15:
      columns(15, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    case 24:
      columns(24, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
      break;
    default:
      columns(28, count, x, v0, out, packed, vOut, time, xStep, outStep, k, th, vr);
  }
}

/**
 * Spikes [batch, time, n], as bits if `packed`, and, unless v is 0, the last membrane [batch, n]. v0 is 0 if membranes
 * start at vReset.
 */
export function lif(
  x: usize,
  v0: usize,
  spikes: usize,
  packed: bool,
  v: usize,
  batch: i32,
  time: i32,
  n: i32,
  mode: i32,
  k: f32,
  vThreshold: f32,
  vReset: f32,
): void {
  const step = (<usize>n) << 2;
  const spikeStep = packed ? <usize>n >> 3 : step;
  for (let b = 0; b < batch; b++) {
    run(
      mode,
      n,
      x,
      v0,
      spikes,
      packed,
      v,
      time,
      step,
      spikeStep,
      f32x4.splat(k),
      f32x4.splat(vThreshold),
      f32x4.splat(vReset),
    );
    x += step * time;
    spikes += spikeStep * time;
    if (v) v += step;
    if (v0) v0 += step;
  }
}
