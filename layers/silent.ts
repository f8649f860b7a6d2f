/**
 * Warns of neurons that cannot fire. Spikes are at most 1, and a membrane that moves toward its input never reaches a
 * threshold of 1 that way: such a layer returns zeros forever without an error. Each layer warns once.
 */
import type * as tf from '@tensorflow/tfjs';
import type { NeuronAttrs } from '../lib/kernels/multi_step_lif';
import { shared } from '../lib/shared';
import { pathOf } from './owners';

/** Tensors that hold nothing but 0 and 1, and layers that have already warned. */
const seen = shared('spikes', () => ({
  spikes: new WeakSet<tf.Tensor>(),
  silent: new WeakSet<tf.layers.Layer>(),
}));

/** Records that a tensor holds spikes; returns it. */
export function markSpikes<T extends tf.Tensor>(spikes: T): T {
  seen.spikes.add(spikes);
  return spikes;
}

/** The highest membrane of neurons that never fire and whose input is 1 at every step. */
function highest(attrs: NeuronAttrs, steps: number): number {
  const { tau, decayInput } = attrs;
  const rest = attrs.vReset ?? 0;
  let v = rest;
  for (let t = 0; t < steps; t++) {
    const drive = decayInput ? 1 - (v - rest) : rest - v;
    v = Math.fround(v + drive / tau + (decayInput ? 0 : 1));
  }
  return v;
}

/** Enough steps for the membranes of a stream, or with a learned time constant, to converge. */
const FOREVER = 1000;

/**
 * Warns if a layer takes spikes and cannot fire. It reads no numbers: the origin of an input shows whether it is
 * spikes. `learnt`: the time constant may change, which matters only without decayInput.
 */
export function warnIfSilent(
  layer: tf.layers.Layer,
  x: tf.Tensor,
  attrs: NeuronAttrs,
  learnt: boolean,
): void {
  if (!seen.spikes.has(x) || seen.silent.has(layer)) return;
  if (learnt && !attrs.decayInput) return;
  const steps = layer.stateful ? FOREVER : x.shape[1]!;
  // Whatever tau is learned, the membrane moves from rest toward rest + 1.
  const reached = learnt ? (attrs.vReset ?? 0) + 1 : highest(attrs, steps);
  if (learnt ? reached > attrs.vThreshold : reached >= attrs.vThreshold) return;
  seen.silent.add(layer);
  console.warn(
    `${pathOf(layer)} cannot fire: its input is spikes, 0 or 1, which raise a membrane to ` +
      `${Number(reached.toPrecision(4))} at most, and vThreshold is ${attrs.vThreshold}. Put a convBN or linearBN ` +
      'between it and the neurons before it, or lower its vThreshold',
  );
}
