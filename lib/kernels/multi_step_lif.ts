/**
 * MultiStepLIF, the kernel of integrate-and-fire neurons, and its gradient. The composed forms are the specification of
 * every backend's kernel, and run on backends without one.
 */

import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { engine, optionalInputs } from '../tfjs_internals';
import { type KernelDefinition, noSecondOrder, present, runKernel } from './kernel';
import { isBuiltInSurrogate, type SurrogateName, throughSurrogate } from './surrogate';

/**
 * All time steps of charge, fire and reset, for all neurons, in one call. Inputs: x `[batch, time, ...]`; v0 `[batch,
 * ...]`, optional: without it every membrane starts at vReset (0 if vReset is null); w, optional, one element: 1 / tau
 * is sigmoid(w) instead of attrs.tau. Outputs: spikes, shaped as x; v `[batch, ...]`, the membranes after the last
 * reset. If attrs.lastMembranes is false, v is not used, and a backend may leave it empty (`[0]`).
 */
export const MultiStepLIF = 'MultiStepLIF';

/**
 * The gradient of MultiStepLIF, backward through time, computed from x alone. Inputs: those of MultiStepLIF; dSpikes,
 * shaped as x; dV, shaped as v, empty if v was. Outputs: dx; then dv0 if v0 was given; then dw, shaped as w, if w was
 * given.
 */
export const MultiStepLIFGrad = 'MultiStepLIFGrad';

/**
 * The parameters of an integrate-and-fire neuron, complete and checked. Charge with decayInput: h = v + (x - (v -
 * vReset)) / tau; without: h = v - (v - vReset) / tau + x, or, if keepsShare, h = v (1 - 1 / tau) + x, rounded as
 * written. A neuron without leak (IF) has tau = Infinity and no decayInput.
 */
export interface NeuronAttrs {
  tau: number;
  vThreshold: number;
  vReset: number | null;
  detachReset: boolean;
  decayInput: boolean;
  surrogate: SurrogateName;
  alpha: number;
}

/**
 * Whether h = v (1 - 1 / tau) + x, as SpikingJelly computes it if the rest is 0 and the input does not decay; a neuron
 * without leak keeps all of v. `learnt`: whether there is an input w.
 */
export function keepsShare({ tau, vReset, decayInput }: NeuronAttrs, learnt: boolean): boolean {
  return !decayInput && (!vReset || (tau === Infinity && !learnt));
}

/** What the caller of MultiStepLIF uses besides the spikes, and what it uses those for. */
export interface NeuronOutputs {
  lastMembranes: boolean;
  /** Whether a layer will most likely read the spikes that can read bits: without v0 a backend may then store these. */
  forLayers?: boolean;
}

export interface MultiStepLIFInputs extends NamedTensorInfoMap {
  x: TensorInfo;
}

/** Whether a backend may store the spikes of such a call as bits. */
export const mayFireBits = (
  { v0 }: Partial<MultiStepLIFInputs>,
  { forLayers = false, lastMembranes }: NeuronOutputs,
): boolean => forLayers && !lastMembranes && !v0;

export interface MultiStepLIFGradInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  dSpikes: TensorInfo;
  dV: TensorInfo;
}

/** `[batch, time, ...]` as `[batch, time, neurons]`, which backends cut into steps fastest. */
function flatten(x: tf.Tensor): tf.Tensor3D {
  const [batch, time, ...neurons] = x.shape as [number, number, ...number[]];
  return x.reshape([batch, time, tf.util.sizeFromShape(neurons)]);
}

/** The shape of x without its time axis. */
function stateShape(x: tf.Tensor): number[] {
  return [x.shape[0]!, ...x.shape.slice(2)];
}

/** Charge: the membrane after the input of one step. If learned, 1 / tau is `decay`. */
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

/** Fire: 1 if the membrane has reached the threshold. */
export function fire(h: tf.Tensor, attrs: NeuronAttrs): tf.Tensor {
  return h.greaterEqual(attrs.vThreshold).cast('float32');
}

/** Reset: neurons that fired go back to vReset (hard) or down by vThreshold (soft). */
export function reset(h: tf.Tensor, s: tf.Tensor, attrs: NeuronAttrs): tf.Tensor {
  if (attrs.vReset === null) return h.sub(s.mul(attrs.vThreshold));
  const kept = h.mul(tf.sub(1, s));
  return attrs.vReset === 0 ? kept : kept.add(s.mul(attrs.vReset));
}

/**
 * Every step's membrane before (`v`) and after (`h`) its charge, and the spikes; `last` is v after the last step. Each
 * is `[batch, neurons]`.
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

/** The composed form of MultiStepLIF. */
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
 * The composed form of MultiStepLIFGrad. Backward through time, u = h - vThreshold, k = 1 / tau:
 *
 *   gs = dSpikes + gv vReset - gv h (hard), dSpikes - gv vThreshold (soft), dSpikes (reset detached)
 *   gh = gs surrogate'(u) + gv (1 - s) (hard), + gv (soft)
 *   dx = gh k, or gh without decayInput;  gv of the step before = gh - gh k, or gh (1 - k) (keepsShare)
 *
 * Term by term as PyTorch differentiates SpikingJelly's code: with the same order of operations, NaN and infinities
 * come out the same. 0 times either is NaN.
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

/** The gradient that a spike gets through the reset, from the gradient of the membrane after it. */
function throughReset(gv: tf.Tensor, h: tf.Tensor, { vReset, vThreshold }: NeuronAttrs): tf.Tensor {
  return vReset === null ? gv.mul(-vThreshold) : gv.mul(vReset).sub(gv.mul(h));
}

/** Why the gradient of a neuron has no gradient. */
export const neuronsOnce = {
  what: 'A spiking neuron',
  why: 'the derivative of its spikes is a surrogate, which cannot be differentiated',
};

/** Gradients with a user's surrogate, which no kernel supports. */
function composedGradients(
  { x, v0, w }: Record<string, tf.Tensor>,
  dSpikes: tf.Tensor,
  dV: tf.Tensor,
  attrs: tf.NamedAttrMap,
): tf.Tensor[] {
  const neuron = { ...attrs, surrogate: attrs.userSurrogate } as unknown as NeuronAttrs;
  return engine().runKernelFunc({
    forwardFunc: () => tf.tidy(() => multiStepLIFGrad(x!, dSpikes, dV, neuron, v0, w)),
    backwardsFunc: noSecondOrder(neuronsOnce),
    inputs: present({ x, dSpikes, dV, v0, w }),
  });
}

export const multiStepLIFDefinitions: KernelDefinition[] = [
  {
    name: MultiStepLIF,
    composed: ({ x, v0, w }, attrs: NeuronAttrs) => multiStepLIF(x!, attrs, v0, w),
    gradient: {
      saveAllInputs: true,
      gradFunc: (dy, saved, attrs) => {
        const [dSpikes, dV] = dy as tf.Tensor[];
        const names = attrs.inputNames as unknown as string[];
        const inputs = Object.fromEntries(names.map((name, i) => [name, saved[i]!]));
        const gradients = attrs.userSurrogate
          ? composedGradients(inputs, dSpikes!, dV!, attrs)
          : runKernel<tf.Tensor[]>(MultiStepLIFGrad, present({ ...inputs, dSpikes, dV }), attrs);
        return Object.fromEntries(names.map((name, i) => [name, () => gradients[i]!]));
      },
    },
  },
  {
    name: MultiStepLIFGrad,
    composed: ({ x, dSpikes, dV, v0, w }, attrs: NeuronAttrs) =>
      multiStepLIFGrad(x!, dSpikes!, dV!, attrs, v0, w),
    once: neuronsOnce,
  },
];

export function runMultiStepLIF(
  x: tf.Tensor,
  attrs: NeuronAttrs,
  v0?: tf.Tensor,
  w?: tf.Tensor,
  outputs: NeuronOutputs = { lastMembranes: true },
): [spikes: tf.Tensor, v: tf.Tensor] {
  const given = present({ x, v0, w });
  const inputs = optionalInputs(given);
  // The names tell the gradient which inputs there were.
  const inputNames = Object.keys(given);
  if (isBuiltInSurrogate(attrs.surrogate)) {
    return runKernel(MultiStepLIF, inputs, { ...attrs, ...outputs, inputNames });
  }
  // Kernels fire alike whatever the surrogate; only the gradient needs to know about a user's surrogate.
  const known = { ...attrs, surrogate: 'sigmoid', userSurrogate: attrs.surrogate };
  return runKernel(MultiStepLIF, inputs, { ...known, lastMembranes: true, inputNames });
}
