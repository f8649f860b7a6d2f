/** Which layer is inside which. */
import type * as tf from '@tensorflow/tfjs';
import { shared } from '../lib/shared';

/** Every sublayer's owner, of which it has one: weights that two layers own would be saved twice and not load. */
const owners = shared('owners', () => new WeakMap<tf.layers.Layer, tf.layers.Layer>());

export function ownerOf(layer: tf.layers.Layer): tf.layers.Layer | undefined {
  return owners.get(layer);
}

export function setOwner(layer: tf.layers.Layer, owner: tf.layers.Layer): void {
  owners.set(layer, owner);
}

/** Names joined by '/', as `observe` gives them. */
export function pathOf(layer: tf.layers.Layer): string {
  const owner = ownerOf(layer);
  return owner ? `${pathOf(owner)}/${layer.name}` : layer.name;
}
