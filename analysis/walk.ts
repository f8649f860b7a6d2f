/** Every layer of a model with its path: through models, composites and wrappers. */
import type * as tf from '@tensorflow/tfjs';

/** The ways in which one layer holds others. */
interface Holder {
  /** A model's. */
  layers?: tf.layers.Layer[];
  /** A composite's. */
  sublayers?: tf.layers.Layer[];
  /** A tf.layers wrapper's. */
  layer?: tf.layers.Layer;
}

/** Calls `visit` with each layer below `parent` and its path: names joined by '/'. */
export function walkLayers(
  parent: tf.layers.Layer,
  visit: (layer: tf.layers.Layer, path: string) => void,
  prefix = '',
): void {
  const { layers, sublayers, layer } = parent as unknown as Holder;
  for (const child of layers ?? sublayers ?? (layer ? [layer] : [])) {
    const path = prefix + child.name;
    visit(child, path);
    walkLayers(child, visit, `${path}/`);
  }
}
