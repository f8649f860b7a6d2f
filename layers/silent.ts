/**
 * Neurons that cannot fire: spikes are at most 1, and what charges a membrane with at most 1 never takes it
 * to a threshold of 1. Such a layer gives zeros forever, without an error; so it is said, once a layer.
 */
import type * as tf from '@tensorflow/tfjs';
import type { NeuronAttrs } from '../lib/kernels/multi_step_lif';
import { shared } from '../lib/shared';
import { pathOf } from './owners';

/** Tensors of nothing but 0 and 1, and layers that have been warned of. */
const seen = shared('spikes', () => ({
  spikes: new WeakSet<tf.Tensor>(),
  silent: new WeakSet<tf.layers.Layer>(),
}));

/** Remembers that a tensor holds spikes; returns it. */
export function markSpikes<T extends tf.Tensor>(spikes: T): T {
  seen.spikes.add(spikes);
  return spikes;
}

/** The highest that a membrane gets whose input is 1 at every step, of neurons that never fire. */
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

/** So many steps take the membranes of a stream, or of a learnt time constant, as far as they get. */
const FOREVER = 1000;

/**
 * Warns of a layer that takes spikes and cannot fire. No number is read: whether an input is spikes is
 * known from where it comes. Learnt: its time constant may change, which without decayInput decides.
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
  // Whatever tau is learnt, the membrane gets from rest towards rest + 1.
  const reached = learnt ? (attrs.vReset ?? 0) + 1 : highest(attrs, steps);
  if (learnt ? reached > attrs.vThreshold : reached >= attrs.vThreshold) return;
  seen.silent.add(layer);
  console.warn(
    `${pathOf(layer)} cannot fire: its input is spikes, 0 or 1, which take a membrane to ` +
      `${Number(reached.toPrecision(4))} at most, and vThreshold is ${attrs.vThreshold}. Put a convBN or linearBN ` +
      'between it and the neurons before it, or lower its vThreshold',
  );
}
