/** Where in a network a computation is: the names of the layers around it. */
import type * as tf from '@tensorflow/tfjs';

/** The ways in which one layer holds others: a composite, a model, a wrapper of tf.layers. */
interface Holder {
  sublayers?: tf.layers.Layer[];
  layers?: tf.layers.Layer[];
  layer?: tf.layers.Layer;
}

/** Every layer below one. */
function below(parent: tf.layers.Layer): tf.layers.Layer[] {
  const { sublayers, layers, layer } = parent as Holder;
  const children = sublayers ?? layers ?? (layer ? [layer] : []);
  return children.flatMap((child) => [child, ...below(child)]);
}

/** An error that names its layer already. */
class LayerError extends Error {
  override name = 'Error';
}

/**
 * Runs `run`; while it applies a layer of the model, the layer's name is at the end of `scope`. An error in there
 * says which layer it is of.
 */
export function withScopes<T>(model: tf.LayersModel, scope: string[], run: () => T): T {
  const layers = [...new Set(below(model))];
  for (const layer of layers) {
    const apply = layer.apply;
    layer.apply = (...args) => {
      scope.push(layer.name);
      try {
        return apply.apply(layer, args);
      } catch (error) {
        if (error instanceof LayerError) throw error;
        const { message } = error as Error;
        const kernel = /kernel '(\w+)'/i.exec(message)?.[1];
        const why = kernel ? `there is no ONNX form for tfjs's kernel ${kernel}` : message;
        const what = `${scope.join('/')} (${layer.getClassName()})`;
        throw new LayerError(`Layer ${what} cannot be exported to ONNX: ${why}`, { cause: error });
      } finally {
        scope.pop();
      }
    };
  }
  try {
    return run();
  } finally {
    for (const layer of layers) delete (layer as { apply?: unknown }).apply;
  }
}
