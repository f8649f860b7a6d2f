/** Layers inside a model by their path, and what one of them is given. */
import * as tf from '@tensorflow/tfjs';
import { walkLayers } from 'tfjs-spikingformer/analysis';

/** @throws if the model has no layer of that path */
export function layerAt(model: tf.LayersModel, path: string): tf.layers.Layer {
  let found: tf.layers.Layer | undefined;
  walkLayers(model, (layer, here) => {
    if (here === path) found = layer;
  });
  if (!found) throw new Error(`path must name a layer of ${model.name}, but got '${path}'`);
  return found;
}

/** Runs the model on x and returns what the layer took in; the caller disposes of it. */
export function inputOf(model: tf.LayersModel, x: tf.Tensor, layer: tf.layers.Layer): tf.Tensor {
  let input: tf.Tensor | undefined;
  layer.setCallHook((inputs) => {
    input ??= tf.keep([inputs].flat()[0]!.clone()) as tf.Tensor;
  });
  try {
    tf.tidy(() => void model.apply(x, { training: false }));
  } finally {
    layer.clearCallHook();
  }
  if (!input) throw new Error(`${layer.name} must be called once per image, but was not`);
  return input;
}
