/** What all layers share: their options, their single input, and their registration. */
import * as tf from '@tensorflow/tfjs';
import { internalsOf } from '../lib/tfjs_internals';
import { checkKeys, invalid, show } from '../lib/validate';

/** Options of any tf.layers layer: name, trainable, inputShape and so on. */
export type LayerArgs = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;

/** The arguments that a model passes to its layers' calls. */
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

/** Throws on an option that the layer does not read. */
export function checkLayerKeys(className: string, config: object, known: readonly string[]): void {
  checkKeys(className, config, [...known, ...stockKeys]);
}

/** The options of `config` named in `keys`, such as those of a neuron. */
export function pick<T extends object>(config: T, keys: readonly string[]): Partial<T> {
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => keys.includes(key) && value !== undefined),
  ) as Partial<T>;
}

/** The input tensor of a layer that takes exactly one. */
export function oneTensor(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
  if (!Array.isArray(inputs)) return inputs;
  if (inputs.length !== 1) throw invalid('inputs', 'one tensor', inputs.length);
  return inputs[0]!;
}

/** The input shape of a layer that takes exactly one. */
export function oneShape(shape: tf.Shape | tf.Shape[]): tf.Shape {
  if (!Array.isArray(shape[0])) return shape as tf.Shape;
  if (shape.length !== 1) throw invalid('inputShape', 'one shape', shape);
  return shape[0];
}

/** Checks the input shape of attention and MLP layers, and returns its channels. */
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

/** Checks the shape of images over time, and returns their channels. */
export function checkImages(name: string, shape: tf.Shape): number {
  const channels = shape.at(-1);
  if (shape.length !== 5 || channels == null) {
    throw invalid(`The input of ${name}`, 'of shape [batch, time, height, width, channels]', shape);
  }
  return channels;
}

/** Whether its calls are watched: by a hook (tf.layers' setCallHook), or by a function in the place of its `apply`. */
export function isWatched(layer: tf.layers.Layer): boolean {
  return internalsOf(layer)._callHook != null || Object.hasOwn(layer, 'apply');
}

/** The layer that a config `{className, config}` describes. */
export function deserializeLayer(layer: tf.serialization.ConfigDict): tf.layers.Layer {
  const { className, config } = layer as {
    className: string;
    config: tf.serialization.ConfigDict;
  };
  const known = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!known)
    throw new Error(
      `layer ${show(className)} is not registered: import the module that defines it`,
    );
  const [layerClass, fromConfig] = known;
  return fromConfig(layerClass, config) as unknown as tf.layers.Layer;
}

type LayerClass = tf.serialization.SerializableConstructor<tf.serialization.Serializable>;

/**
 * Registers a class with tf.loadLayersModel under its plain name. If a process loads two copies of this library,
 * loading uses the classes of the copy imported last.
 */
export function register(layerClass: LayerClass): void {
  tf.serialization.registerClass(layerClass);
}
