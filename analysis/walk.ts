/** Every layer of a model with its path: through models, composites and wrappers. */
import type * as tf from '@tensorflow/tfjs';

/** The ways in which one layer holds others. */
interface Holder {
  /** The layers of a model. */
  layers?: tf.layers.Layer[];
  /** The layers of a composite. */
  sublayers?: tf.layers.Layer[];
  /** The layer of a tf.layers wrapper. */
  layer?: tf.layers.Layer;
}

/** The layers that a model, composite or wrapper holds. */
export function childrenOf(parent: tf.layers.Layer): tf.layers.Layer[] {
  const { layers, sublayers, layer } = parent as unknown as Holder;
  return sublayers ?? layers ?? (layer ? [layer] : []);
}

/** Calls `visit` with each layer below `parent` and its path: names joined by '/'. */
export function walkLayers(
  parent: tf.layers.Layer,
  visit: (layer: tf.layers.Layer, path: string) => void,
  prefix = '',
): void {
  for (const child of childrenOf(parent)) {
    const path = prefix + child.name;
    visit(child, path);
    walkLayers(child, visit, `${path}/`);
  }
}
