/**
 * MultiStepLIF in stock tfjs ops: the specification that every backend's kernel is held to, and
 * what runs where a backend has none.
 */
import * as tf from '@tensorflow/tfjs';
import { throughSurrogate } from '../../surrogate';
import { keepsShare, type NeuronAttrs } from '../spec';

/** `[batch, time, ...]` as `[batch, time, neurons]`: what backends cut into steps fastest. */
function flatten(x: tf.Tensor): tf.Tensor3D {
  const [batch, time, ...neurons] = x.shape as [number, number, ...number[]];
  return x.reshape([batch, time, tf.util.sizeFromShape(neurons)]);
}

/** The shape of x without its time axis. */
function stateShape(x: tf.Tensor): number[] {
  return [x.shape[0]!, ...x.shape.slice(2)];
}

/** Charge: what the input of one step makes of the membrane. Learnt: 1 / tau is `decay`. */
export function charge(
  v: tf.Tensor,
  x: tf.Tensor,
  attrs: NeuronAttrs,
  decay?: tf.Tensor,
): tf.Tensor {
  if (keepsShare(attrs, decay !== undefined)) {
    return v.mul(decay ? tf.sub(1, decay) : 1 - 1 / attrs.tau).add(x);
  }
  const divided = (y: tf.Tensor) => (decay ? y.mul(decay) : y.div(attrs.tau));
  const aboveRest = attrs.vReset ? v.sub(attrs.vReset) : v;
  if (attrs.decayInput) return v.add(divided(x.sub(aboveRest)));
  return v.sub(divided(aboveRest)).add(x);
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
 * See `MultiStepLIFGrad` in spec.ts. Backward through time, u = h - vThreshold, k = 1 / tau:
 *   gs = dSpikes + gv vReset - gv h (hard), dSpikes - gv vThreshold (soft), dSpikes (reset detached)
 *   gh = gs surrogate'(u) + gv (1 - s) (hard), + gv (soft)
 *   dx = gh k, or gh without decayInput;  gv of the step before = gh - gh k, or gh (1 - k) (keepsShare)
 * Term by term as PyTorch differentiates SpikingJelly's code: one order of operations has one answer to
 * NaN and infinities, and 0 times either is NaN.
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
  const keeps = keepsShare(attrs, w !== undefined);
  const ds = tf.unstack(flatten(dSpikes), 1);
  const dx: tf.Tensor[] = [];
  let gv: tf.Tensor = dV.reshape(steps[0]!.h.shape);
  let dk: tf.Tensor = tf.scalar(0);
  for (let t = steps.length - 1; t >= 0; t--) {
    const step = steps[t]!;
    const gs = attrs.detachReset ? ds[t]! : ds[t]!.add(throughReset(gv, step.h, attrs));
    const u = step.h.sub(attrs.vThreshold);
    const gh = throughSurrogate(gs, u, attrs.surrogate, attrs.alpha).add(
      attrs.vReset === null ? gv : gv.mul(tf.sub(1, step.s)),
    );
    dx.unshift(attrs.decayInput ? gh.mul(k) : gh);
    gv = keeps ? gh.mul(kept) : gh.sub(gh.mul(k));
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

/** What a gradient of the membrane after the reset gives the spike. */
function throughReset(gv: tf.Tensor, h: tf.Tensor, { vReset, vThreshold }: NeuronAttrs): tf.Tensor {
  return vReset === null ? gv.mul(-vThreshold) : gv.mul(vReset).sub(gv.mul(h));
}
