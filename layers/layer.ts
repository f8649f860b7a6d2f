/** What every layer here has in common: its options, its one input, and how it is registered. */
import * as tf from '@tensorflow/tfjs';
import { internalsOf } from '../lib/tfjs_internals';
import { checkKeys, invalid, show } from '../lib/validate';

/** Options of any tf.layers layer: name, trainable, inputShape and so on. */
export type LayerArgs = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;

/** What a model passes to its layers' calls. */
export interface CallArgs {
  training?: boolean;
  [key: string]: unknown;
}

/** Options that tf.layers itself takes, or adds when it loads a model. */
const stockKeys = [
  'name',
  'trainable',
  'dtype',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'inputDType',
  'weights',
  'updatable',
  'customObjects',
];

/** Throws on an option that nothing reads. */
export function checkLayerKeys(className: string, config: object, known: readonly string[]): void {
  checkKeys(className, config, [...known, ...stockKeys]);
}

/** The options of `config` that `keys` names: those meant for a neuron, say. */
export function pick<T extends object>(config: T, keys: readonly string[]): Partial<T> {
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => keys.includes(key) && value !== undefined),
  ) as Partial<T>;
}

/** The only input of a layer that takes one. */
export function oneTensor(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
  if (!Array.isArray(inputs)) return inputs;
  if (inputs.length !== 1) throw invalid('inputs', 'one tensor', inputs.length);
  return inputs[0]!;
}

/** The only input's shape. */
export function oneShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
  if (!Array.isArray(shape[0])) return shape as tf.Shape;
  if (shape.length !== 1) throw invalid('inputShape', 'one shape', shape);
  return shape[0];
}

/** Checks a shape that attention and MLP layers take, and returns its channels. */
export function checkTokens(name: string, shape: tf.Shape): number {
  const channels = shape.at(-1);
  if ((shape.length !== 4 && shape.length !== 5) || channels == null) {
    throw invalid(
      `The input of ${name}`,
      'of shape [batch, time, tokens, channels] or [batch, time, height, width, channels]',
      shape,
    );
  }
  return channels;
}

/** Checks a shape of images over time, and returns their channels. */
export function checkImages(name: string, shape: tf.Shape): number {
  const channels = shape.at(-1);
  if (shape.length !== 5 || channels == null) {
    throw invalid(`The input of ${name}`, 'of shape [batch, time, height, width, channels]', shape);
  }
  return channels;
}

/** Whether someone listens to the layer's calls, by tf.layers' setCallHook. */
export function hasCallHook(layer: tf.layers.Layer): boolean {
  return internalsOf(layer)._callHook != null;
}

/** The layer that a config `{className, config}` tells of. */
export function deserializeLayer(layer: tf.serialization.ConfigDict): tf.layers.Layer {
  const { className, config } = layer as {
    className: string;
    config: tf.serialization.ConfigDict;
  };
  const known = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!known) throw new Error(`layer ${show(className)} is not registered: import what defines it`);
  const [layerClass, fromConfig] = known;
  return fromConfig(layerClass, config) as unknown as tf.layers.Layer;
}

type LayerClass = tf.serialization.SerializableConstructor<tf.serialization.Serializable>;

/**
 * Makes tf.loadLayersModel know a class by its plain name. A second copy of this library in the same
 * process takes the name over, so that loading gives classes of the copy imported last.
 */
export function register(layerClass: LayerClass): void {
  tf.serialization.registerClass(layerClass);
}
