/**
 * The gradient of MultiStepLIF: it recomputes the potentials for a block of neurons that fits the L1 cache, then runs
 * time backward.
 */
import { addToDoubles, load4or1, store4or1 } from './lanes';
import { DECAY_INPUT, KEEP, RECORD, reset, run, SOFT_RESET } from './multi_step_lif';
import { surrogateBlock, writeExpTable } from './surrogate';

/**
 * Backward through time for one vector of neurons. h and s point at its recorded potentials and surrogates; all
 * pointers are at the first time step.
 */
@inline
function columnGrad(
  width: i32,
  mode: i32,
  attached: i32,
  x: usize,
  v0: usize,
  dSpikes: usize,
  dV: usize,
  dx: usize,
  dv0: usize,
  dw: usize,
  h: usize,
  s: usize,
  time: i32,
  step: usize,
  blockStep: usize,
  share: v128,
  reach: v128,
  vThreshold: v128,
  vReset: v128,
): void {
  const last = <usize>(time - 1);
  x += last * step;
  dSpikes += last * step;
  dx += last * step;
  h += last * blockStep;
  s += last * blockStep;
  const soft = mode & SOFT_RESET;
  const ends = f32x4.extract_lane(reach, 0) < Infinity;
  let gv = dV ? load4or1(width, dV) : f32x4.splat(0);
  let sum = f32x4.splat(0);
  for (let t = time; t > 0; t--) {
    const potential = v128.load(h);
    const surrogate = v128.load(s);
    let gs = load4or1(width, dSpikes);
    if (attached) {
      gs = soft
        ? f32x4.sub(gs, f32x4.mul(gv, vThreshold))
        : f32x4.add(gs, f32x4.sub(f32x4.mul(gv, vReset), f32x4.mul(gv, potential)));
    }
    let gh = f32x4.mul(gs, surrogate);
    if (ends) gh = v128.andnot(gh, f32x4.gt(f32x4.abs(f32x4.sub(potential, vThreshold)), reach));
    // Subtracts h from itself where it fired, instead of leaving it out: this keeps NaN and infinities.
    const kept = soft ? gv : f32x4.sub(gv, v128.and(gv, f32x4.ge(potential, vThreshold)));
    gh = f32x4.add(gh, kept);
    const part = f32x4.mul(gh, share);
    store4or1(width, dx, mode & DECAY_INPUT ? part : gh);
    gv = mode & KEEP ? part : f32x4.sub(gh, part);
    if (dw) {
      let before = v0 ? load4or1(width, v0) : vReset;
      if (t > 1) {
        const previous = v128.load(h - blockStep);
        before = reset(soft, previous, f32x4.ge(previous, vThreshold), vThreshold, vReset);
      }
      let slope = f32x4.sub(vReset, before);
      if (mode & DECAY_INPUT) slope = f32x4.add(load4or1(width, x), slope);
      sum = f32x4.add(sum, f32x4.mul(gh, slope));
    }
    x -= step;
    dSpikes -= step;
    dx -= step;
    h -= blockStep;
    s -= blockStep;
  }
  if (dv0) store4or1(width, dv0, gv);
  // Lanes beyond a tail of one got no gradient: their part of the sum is 0.
  if (dw) addToDoubles(dw, sum);
}

/** The same for `count` neurons side by side. */
function columnsGrad(
  count: i32,
  mode: i32,
  attached: i32,
  x: usize,
  v0: usize,
  dSpikes: usize,
  dV: usize,
  dx: usize,
  dv0: usize,
  dw: usize,
  h: usize,
  s: usize,
  time: i32,
  step: usize,
  blockStep: usize,
  share: v128,
  reach: v128,
  th: v128,
  vr: v128,
): void {
  for (; count > 0; h += 16, s += 16) {
    let next: usize = 16;
    if (count >= 4) {
      columnGrad(
        4,
        mode,
        attached,
        x,
        v0,
        dSpikes,
        dV,
        dx,
        dv0,
        dw,
        h,
        s,
        time,
        step,
        blockStep,
        share,
        reach,
        th,
        vr,
      );
      count -= 4;
    } else {
      columnGrad(
        1,
        mode,
        attached,
        x,
        v0,
        dSpikes,
        dV,
        dx,
        dv0,
        dw,
        h,
        s,
        time,
        step,
        blockStep,
        share,
        reach,
        th,
        vr,
      );
      count--;
      next = 4;
    }
    x += next;
    dSpikes += next;
    if (dV) dV += next;
    dx += next;
    if (v0) v0 += next;
    if (dv0) dv0 += next;
  }
}

/**
 * dx [batch, time, n]; dV [batch, n], or 0 if all are; dv0 [batch, n] unless 0; four partial sums of dw (float64, added to) unless 0. forwardMode and k
 * are those of `lif`; share is 1 / tau, or k of a KEEP. Beyond reach, a surrogate passes no gradient. scratch holds 16
 * + 2 * time * (block + 12) floats; block is a multiple of 16.
 */
export function lifGrad(
  x: usize,
  v0: usize,
  dSpikes: usize,
  dV: usize,
  dx: usize,
  dv0: usize,
  dw: usize,
  batch: i32,
  time: i32,
  n: i32,
  forwardMode: i32,
  attached: i32,
  k: f32,
  share: f32,
  reach: f32,
  vThreshold: f32,
  vReset: f32,
  surrogate: i32,
  alpha: f32,
  scratch: usize,
  block: i32,
): void {
  const step = (<usize>n) << 2;
  // The last block's tail of up to 3 neurons spreads to one vector each.
  const blockStep = (<usize>(block + 12)) << 2;
  const potentials = scratch + 64;
  const surrogates = potentials + blockStep * time;
  writeExpTable(scratch);
  const kv = f32x4.splat(k);
  const th = f32x4.splat(vThreshold);
  const vr = f32x4.splat(vReset);
  const shares = f32x4.splat(share);
  const reaches = f32x4.splat(reach);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < n; i += block) {
      const count = min(block, n - i);
      const at = (<usize>i) << 2;
      const start = v0 ? v0 + at : 0;
      const dStart = dv0 ? dv0 + at : 0;
      run(
        forwardMode | RECORD,
        count,
        x + at,
        start,
        potentials,
        false,
        0,
        time,
        step,
        blockStep,
        kv,
        th,
        vr,
      );
      const vectors = (count >> 2) + (count & 3);
      for (let t = 0; t < time; t++) {
        const from = blockStep * t;
        surrogateBlock(
          surrogate,
          alpha,
          vThreshold,
          potentials + from,
          surrogates + from,
          vectors,
          scratch,
        );
      }
      columnsGrad(
        count,
        forwardMode,
        attached,
        x + at,
        start,
        dSpikes + at,
        dV ? dV + at : 0,
        dx + at,
        dStart,
        dw,
        potentials,
        surrogates,
        time,
        step,
        blockStep,
        shares,
        reaches,
        th,
        vr,
      );
    }
    x += step * time;
    dSpikes += step * time;
    dx += step * time;
    if (dV) dV += step;
    if (v0) v0 += step;
    if (dv0) dv0 += step;
  }
}
