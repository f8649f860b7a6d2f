/**
 * Layers in sequence, as one layer. A map and the neurons behind it, or the sum with its output, are one operation where
 * they can be.
 */
import * as tf from '@tensorflow/tfjs';
import { invalid } from '../lib/validate';
import { applyTo, CompositeLayer, outputShapeInOrder } from './composite';
import type { KernelBN } from './kernel_bn';
import { type CallArgs, deserializeLayer, type LayerArgs, register } from './layer';

/** Applies layers one after the other. */
export function runChain(
  layers: readonly tf.layers.Layer[],
  x: tf.Tensor,
  kwargs: CallArgs,
): tf.Tensor {
  return tf.tidy(() => {
    let y = x;
    for (let i = 0; i < layers.length; i++) {
      const [layer, next] = [layers[i]!, layers[i + 1]];
      const map = layer as Partial<KernelBN>;
      const spikes = next && map.withNeuron ? map.withNeuron(next, y, kwargs) : null;
      if (spikes) i++;
      y = spikes ?? applyTo(layer, y, kwargs);
    }
    return y;
  });
}

/** addend + the chain of x, which has its shape. */
export function addChain(
  addend: tf.Tensor,
  layers: readonly tf.layers.Layer[],
  x: tf.Tensor,
  kwargs: CallArgs,
): tf.Tensor {
  return tf.tidy(() => {
    const last = layers.at(-1);
    if (!(last instanceof CompositeLayer)) return addend.add(runChain(layers, x, kwargs));
    const y = runChain(layers.slice(0, -1), x, kwargs);
    return last.plus(addend, y, kwargs) ?? addend.add(applyTo(last, y, kwargs));
  });
}

/** x + the chain of x. */
export function runResidual(
  layers: readonly tf.layers.Layer[],
  x: tf.Tensor,
  kwargs: CallArgs,
): tf.Tensor {
  return addChain(x, layers, x, kwargs);
}

/** Options of {@link Chain} and {@link Residual}. */
export interface ChainConfig extends LayerArgs {
  /** At least one layer; names must differ. */
  layers: tf.layers.Layer[];
}

/**
 * The layers in order, under one name.
 *
 * ```ts
 * spiking.layers.chain({ layers: [spiking.layers.lifNode(), spiking.layers.linearBN({ units: 64 })] });
 * ```
 */
export class Chain extends CompositeLayer {
  static className = 'Chain';

  constructor(config: ChainConfig) {
    super(config, ['layers']);
    const { layers } = config;
    if (!Array.isArray(layers) || layers.length === 0) {
      throw invalid('layers', 'a list of at least one layer', layers);
    }
    for (const [i, layer] of layers.entries()) {
      if (typeof layer?.apply !== 'function') {
        throw invalid(`layers[${i}]`, 'a tf.layers layer', layer);
      }
      const { name } = layer;
      if (layers.findIndex((other) => other.name === name) < i) {
        throw invalid(
          `layers[${i}].name`,
          'different from the names of the layers before it',
          name,
        );
      }
      this.own(layer);
    }
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    this.buildInOrder(this.sublayers, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runChain(this.sublayers, x, kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return outputShapeInOrder(this.sublayers, inputShape);
  }

  /** The options with every layer's class and options, for saving. */
  override getConfig(): tf.serialization.ConfigDict {
    const layers = this.sublayers.map((layer) => ({
      className: layer.getClassName(),
      config: layer.getConfig(),
    }));
    return { ...super.getConfig(), layers };
  }

  /**
   * The layer that `getConfig` describes.
   *
   * @throws if the class of an inner layer is not registered
   */
  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const layers = (config.layers as tf.serialization.ConfigDict[]).map(deserializeLayer);
    return CompositeLayer.fromConfig(cls, { ...config, layers: layers as never });
  }
}

/** x + the output of the layers in order, which must have the shape of x. */
export class Residual extends Chain {
  static override className = 'Residual';

  protected override buildSublayers(inputShape: tf.Shape): void {
    super.buildSublayers(inputShape);
    const shape = super.computeOutputShape(inputShape);
    if (shape.join() !== inputShape.join()) {
      throw invalid(`The output of the layers in ${this.name}`, `of shape [${inputShape}]`, shape);
    }
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runResidual(this.sublayers, x, kwargs);
  }
}

/**
 * A {@link Chain}: layers in order, under one name.
 *
 * @throws if there is no layer, or two have one name
 */
export const chain = (config: ChainConfig) => new Chain(config);
/**
 * A {@link Residual}: x plus the output of layers in order, of any shape that they keep.
 *
 * @throws if there is no layer, two have one name, or, when it is built, the shape of their output differs from that
 * of x
 */
export const residual = (config: ChainConfig) => new Residual(config);

register(Chain);
register(Residual);
