/** Listening to a model's layers, those of tf.layers among them. */
import type * as tf from '@tensorflow/tfjs';
import { isStockMap } from '../layers/operations';
import { type Listener, withListener } from '../layers/spikes';
import { walkLayers } from './walk';

/** Runs `run` while `listener` gets the reports of every layer of the model: also of Dense and Conv2D, for which tfjs calls no hook. */
export function whileListening<T>(model: tf.LayersModel, listener: Listener, run: () => T): T {
  const restore: (() => void)[] = [];
  const listen = (layer: tf.layers.Layer) => {
    const own = Object.getOwnPropertyDescriptor(layer, 'call');
    const call = layer.call;
    layer.call = (inputs, kwargs) => {
      listener.input?.(layer, [inputs].flat()[0]!, 1);
      return call.call(layer, inputs, kwargs);
    };
    restore.push(() => {
      if (own) Object.defineProperty(layer, 'call', own);
      else Reflect.deleteProperty(layer, 'call');
    });
  };
  const stock = new Set<tf.layers.Layer>();
  walkLayers(model, (layer) => {
    if (isStockMap(layer)) stock.add(layer);
  });
  try {
    stock.forEach(listen);
    return withListener(listener, run);
  } finally {
    for (const put of restore) put();
  }
}
