/** Which layer owns which. */
import type * as tf from '@tensorflow/tfjs';
import { shared } from '../lib/shared';

/** The owner of every sublayer. There is at most one: weights with two owners would be saved twice and fail to load. */
const owners = shared('owners', () => new WeakMap<tf.layers.Layer, tf.layers.Layer>());

export function ownerOf(layer: tf.layers.Layer): tf.layers.Layer | undefined {
  return owners.get(layer);
}

export function setOwner(layer: tf.layers.Layer, owner: tf.layers.Layer): void {
  owners.set(layer, owner);
}

/** Layer names joined by '/', as in `observe`. */
export function pathOf(layer: tf.layers.Layer): string {
  const owner = ownerOf(layer);
  return owner ? `${pathOf(owner)}/${layer.name}` : layer.name;
}
