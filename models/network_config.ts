/** The configuration that a model was built from, read from its layers. */
import type * as tf from '@tensorflow/tfjs';
import { familyOfLayer, isOfFamily, torchEntries } from './families';
import type { Family } from './family';

/** A network's family and all of its options, including defaults. */
export interface NetworkConfigOf {
  family: Family;
  config: Record<string, unknown>;
}

/** Null if the model belongs to no family, or if its layers differ in an option that a family sets only once. */
export function networkConfig(model: tf.LayersModel): NetworkConfigOf | null {
  const layers = model.layers.filter(isOfFamily);
  const family = layers[0] && familyOfLayer(layers[0]);
  if (!family || layers.some((layer) => familyOfLayer(layer) !== family)) return null;
  const shapes = torchEntries(model).map(({ key, shape }) => [key, { shape }] as const);
  const sizes = family.authors.sizes(Object.fromEntries(shapes));
  if (typeof sizes === 'string') return null;
  const config: Record<string, unknown> = {};
  for (const [key, { nullable, perBlock }] of Object.entries(family.options)) {
    if (key === 'name') continue;
    const values = layers
      .map((layer) => layer.getConfig()[key])
      .filter((value) => value !== undefined && (value !== null || nullable || perBlock));
    const differ = values.some((value) => value !== values[0]);
    if (differ && (!perBlock || values.length !== sizes.depth)) return null;
    if (differ) config[key] = values;
    else if (values.length > 0 && (values[0] !== null || nullable)) config[key] = values[0];
  }
  const { channels: _, ...own } = sizes;
  const inputShape = model.inputs[0]!.shape.slice(1);
  const isKnown = inputShape.every((size) => size !== null);
  return { family, config: { ...config, ...own, ...(isKnown && { inputShape }) } };
}
