/**
 * MultiStepLIF in stock tfjs ops: the specification that every backend's kernel is held to, and
 * what runs where a backend has none.
 */
import * as tf from '@tensorflow/tfjs';
import { surrogateGradient } from '../../surrogate';
import type { NeuronAttrs } from '../spec';

/** `[batch, time, ...]` as `[batch, time, neurons]`: what backends cut into steps fastest. */
function flatten(x: tf.Tensor): tf.Tensor3D {
  const [batch, time, ...neurons] = x.shape as [number, number, ...number[]];
  return x.reshape([batch, time, tf.util.sizeFromShape(neurons)]);
}

/** The shape of x without its time axis. */
function stateShape(x: tf.Tensor): number[] {
  return [x.shape[0]!, ...x.shape.slice(2)];
}

/** Charge: what the input of one step makes of the membrane. */
export function charge(
  v: tf.Tensor,
  x: tf.Tensor,
  attrs: NeuronAttrs,
  decay?: tf.Tensor,
): tf.Tensor {
  const divided = (y: tf.Tensor) => (decay ? y.mul(decay) : y.div(attrs.tau));
  const aboveRest = attrs.vReset ? v.sub(attrs.vReset) : v;
  if (attrs.decayInput) return v.add(divided(x.sub(aboveRest)));
  return attrs.tau === Infinity && !decay ? v.add(x) : v.sub(divided(aboveRest)).add(x);
}

/** Fire: 1 where the membrane has reached the threshold. */
export function fire(h: tf.Tensor, attrs: NeuronAttrs): tf.Tensor {
  return h.greaterEqual(attrs.vThreshold).cast('float32');
}

/** Reset: where it fired, back to vReset (hard), or down by vThreshold (soft). */
export function reset(h: tf.Tensor, s: tf.Tensor, attrs: NeuronAttrs): tf.Tensor {
  if (attrs.vReset === null) return h.sub(s.mul(attrs.vThreshold));
  const kept = h.mul(tf.sub(1, s));
  return attrs.vReset === 0 ? kept : kept.add(s.mul(attrs.vReset));
}

/**
 * Every step's membrane before (`v`) and after (`h`) its charge, and the spikes; `last` is v after all.
 * Each is `[batch, neurons]`.
 */
export function unroll(x: tf.Tensor, attrs: NeuronAttrs, v0?: tf.Tensor, w?: tf.Tensor) {
  const flat = flatten(x);
  const [batch, , neurons] = flat.shape;
  const decay = w?.sigmoid().asScalar();
  const steps: { x: tf.Tensor; v: tf.Tensor; h: tf.Tensor; s: tf.Tensor }[] = [];
  let v: tf.Tensor = v0?.reshape([batch, neurons]) ?? tf.fill([batch, neurons], attrs.vReset ?? 0);
  for (const xt of tf.unstack(flat, 1)) {
    const h = charge(v, xt, attrs, decay);
    const s = fire(h, attrs);
    steps.push({ x: xt, v, h, s });
    v = reset(h, s, attrs);
  }
  return { steps, last: v };
}

/** See `MultiStepLIF` in spec.ts. */
export function multiStepLIF(
  x: tf.Tensor,
  attrs: NeuronAttrs,
  v0?: tf.Tensor,
  w?: tf.Tensor,
): tf.Tensor[] {
  const { steps, last } = unroll(x, attrs, v0, w);
  const spikes = tf.stack(
    steps.map((step) => step.s),
    1,
  );
  return [spikes.reshape(x.shape), last.reshape(stateShape(x))];
}

/**
 * See `MultiStepLIFGrad` in spec.ts. Backward through time in closed form, u = h - vThreshold:
 *   gh = dSpikes surrogate'(u) + gv dv/dh;  dx = gh k;  gv of the step before = gh (1 - k)
 * with k = 1 / tau, dv/dh = 1 - s (hard) or 1 (soft), plus, where the reset is not detached,
 * (vReset - h) surrogate'(u) or -vThreshold surrogate'(u).
 */
export function multiStepLIFGrad(
  x: tf.Tensor,
  dSpikes: tf.Tensor,
  dV: tf.Tensor,
  attrs: NeuronAttrs,
  v0?: tf.Tensor,
  w?: tf.Tensor,
): tf.Tensor[] {
  const { steps } = unroll(x, attrs, v0, w);
  const k = w ? w.sigmoid().asScalar() : tf.scalar(1 / attrs.tau);
  const kept = tf.sub(1, k);
  const ds = tf.unstack(flatten(dSpikes), 1);
  const dx: tf.Tensor[] = [];
  let gv: tf.Tensor = dV.reshape(steps[0]!.h.shape);
  let dk: tf.Tensor = tf.scalar(0);
  for (let t = steps.length - 1; t >= 0; t--) {
    const step = steps[t]!;
    const surrogate = surrogateGradient(step.h.sub(attrs.vThreshold), attrs.surrogate, attrs.alpha);
    const gh = ds[t]!.mul(surrogate).add(gv.mul(resetGradient(step.h, step.s, surrogate, attrs)));
    dx.unshift(attrs.decayInput ? gh.mul(k) : gh);
    gv = gh.mul(kept);
    if (w) {
      const aboveRest = attrs.vReset ? step.v.sub(attrs.vReset) : step.v;
      dk = dk.add(gh.mul(attrs.decayInput ? step.x.sub(aboveRest) : aboveRest.neg()).sum());
    }
  }
  const gradients: tf.Tensor[] = [tf.stack(dx, 1).reshape(x.shape)];
  if (v0) gradients.push(gv.reshape(stateShape(x)));
  if (w) gradients.push(dk.mul(k).mul(kept).reshape(w.shape));
  return gradients;
}

/** dv/dh of the reset, through the spike too where it is not detached. */
function resetGradient(h: tf.Tensor, s: tf.Tensor, surrogate: tf.Tensor, attrs: NeuronAttrs) {
  const { vReset, vThreshold, detachReset } = attrs;
  const direct = vReset === null ? tf.scalar(1) : tf.sub(1, s);
  if (detachReset) return direct;
  return direct.add(surrogate.mul(vReset === null ? -vThreshold : tf.sub(vReset, h)));
}
