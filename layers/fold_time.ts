/** Any stock layer on all time steps at once: time is folded into batch before it and unfolded after. */
import type * as tf from '@tensorflow/tfjs';
import { foldTime as fold, unfoldTime as unfold } from '../lib/fold_time';
import { invalid } from '../lib/validate';
import { applyTo, CompositeLayer } from './composite';
import { type CallArgs, deserializeLayer, type LayerArgs, oneShape, register } from './layer';
import { type OperationList, stockOperations } from './operations';

/** Options of {@link FoldTime}. */
export interface FoldTimeConfig extends LayerArgs {
  /** A layer without neurons: its input is `[batch * time, ...]`. */
  layer: tf.layers.Layer;
}

/**
 * `[batch, time, ...]` -> `[batch, time, ...]`, in one call where tf.layers.timeDistributed loops over time.
 *
 * ```ts
 * spiking.layers.foldTime({ layer: tf.layers.conv2d({ filters: 8, kernelSize: 3 }) });
 * ```
 */
export class FoldTime extends CompositeLayer {
  static className = 'FoldTime';
  private readonly layer: tf.layers.Layer;

  constructor(config: FoldTimeConfig) {
    super(config, ['layer']);
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

  /** The stock layer's operations, at every time step. */
  override operations(): OperationList {
    const [time] = this.outputShape.slice(1) as number[];
    const rows = stockOperations(this.layer, time);
    return rows ? rows.map((row) => ({ ...row, part: this.layer.name })) : this.sublayers;
  }

  /** The options with the inner layer's class and options, for saving. */
  override getConfig(): tf.serialization.ConfigDict {
    const layer = { className: this.layer.getClassName(), config: this.layer.getConfig() };
    return { ...super.getConfig(), layer };
  }

  /**
   * The layer that `getConfig` describes.
   *
   * @throws if the class of the inner layer is not registered
   */
  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const layer = deserializeLayer(config.layer as tf.serialization.ConfigDict);
    return CompositeLayer.fromConfig(cls, { ...config, layer: layer as never });
  }
}

/**
 * A {@link FoldTime}: a stock layer on all time steps of `[batch, time, ...]` at once.
 *
 * @throws if an option is unknown or invalid
 */
export const foldTime = (config: FoldTimeConfig) => new FoldTime(config);

register(FoldTime);
