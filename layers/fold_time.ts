/** Any stock layer on all time steps at once: time is folded into batch before it and unfolded after. */
import * as tf from '@tensorflow/tfjs';
import { foldTime as fold, unfoldTime as unfold } from '../lib/fold_time';
import { invalid, show } from '../lib/validate';
import { applyTo, CompositeLayer } from './_composite';
import { type CallArgs, checkLayerKeys, type LayerArgs, oneShape, register } from './_layer';

export interface FoldTimeConfig extends LayerArgs {
  /** A layer without neurons: it sees `[batch * time, ...]`. */
  layer: tf.layers.Layer;
}

/**
 * `[batch, time, ...]` -> `[batch, time, ...]`. Unlike tf.layers.timeDistributed it does not loop.
 *
 * ```ts
 * spiking.layers.foldTime({ layer: tf.layers.conv2d({ filters: 8, kernelSize: 3 }) });
 * ```
 */
export class FoldTime extends CompositeLayer {
  static className = 'FoldTime';
  private readonly layer: tf.layers.Layer;

  constructor(config: FoldTimeConfig) {
    checkLayerKeys('FoldTime', config, ['layer']);
    super(config);
    if (typeof config.layer?.apply !== 'function') {
      throw invalid('layer', 'a tf.layers layer', config.layer);
    }
    if (config.layer.stateful) {
      throw invalid(
        'layer',
        'stateless: its time steps are folded into the batch',
        config.layer.name,
      );
    }
    this.layer = this.own(config.layer);
  }

  private foldedShape(inputShape: tf.Shape): tf.Shape {
    if (inputShape.length < 3) {
      throw invalid(`The input of ${this.name}`, 'of shape [batch, time, ...]', inputShape);
    }
    return [null, ...inputShape.slice(2)];
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    this.buildSublayer(this.layer, this.foldedShape(inputShape));
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return unfold(applyTo(this.layer, fold(x), kwargs), x.shape[1]!);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape);
    const inner = this.layer.computeOutputShape(this.foldedShape(shape)) as tf.Shape;
    return [shape[0]!, shape[1]!, ...inner.slice(1)];
  }

  override getConfig(): tf.serialization.ConfigDict {
    const layer = { className: this.layer.getClassName(), config: this.layer.getConfig() };
    return { ...super.getConfig(), layer };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const { className, config: inner } = config.layer as {
      className: string;
      config: tf.serialization.ConfigDict;
    };
    const known = tf.serialization.SerializationMap.getMap().classNameMap[className];
    if (!known)
      throw new Error(`layer ${show(className)} is not registered: import what defines it`);
    const [layerClass, fromConfig] = known;
    const layer = fromConfig(layerClass, inner) as unknown as tf.serialization.ConfigDictValue;
    return CompositeLayer.fromConfig(cls, { ...config, layer });
  }
}

export const foldTime = (config: FoldTimeConfig) => new FoldTime(config);

register(FoldTime);
