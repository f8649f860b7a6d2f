/** Layer normalization as a layer: normalizes each token over its channels (Ba et al., arXiv 1607.06450). */
import * as tf from '@tensorflow/tfjs';
import { biasLayerNorm, layerNorm as normalize } from '../lib/layer_norm';
import { checkPositive, invalid } from '../lib/validate';
import {
  type CallArgs,
  checkLayerKeys,
  isWatched,
  type LayerArgs,
  oneShape,
  oneTensor,
  register,
} from './layer';
import type { OperationList } from './operations';

/** Options of {@link LayerNorm}. */
export interface LayerNormConfig extends LayerArgs {
  /** Added to the variance. Default 1e-5, as in PyTorch. */
  epsilon?: number;
}

/**
 * `[..., channels]` -> the same shape, alike in training and at inference. Unlike batch norm it needs no batch, but it
 * cannot merge into the map before it: neuromorphic hardware must compute its statistics.
 */
export class LayerNorm extends tf.layers.Layer {
  static className = 'LayerNorm';
  private readonly epsilon: number;
  private gamma!: tf.LayerVariable;
  private beta!: tf.LayerVariable;

  constructor(config: LayerNormConfig = {}) {
    checkLayerKeys('LayerNorm', config, ['epsilon']);
    super(config);
    const { epsilon = 1e-5 } = config;
    checkPositive('epsilon', epsilon);
    this.epsilon = epsilon;
    this.supportsMasking = true;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const channels = oneShape(inputShape).at(-1);
    if (channels == null) {
      throw invalid(`The input of ${this.name}`, 'of a known number of channels', inputShape);
    }
    this.gamma = this.addWeight('gamma', [channels], 'float32', tf.initializers.ones());
    this.beta = this.addWeight('beta', [channels], 'float32', tf.initializers.zeros());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const { epsilon } = this;
      return normalize(oneTensor(inputs), this.gamma.read(), this.beta.read(), { epsilon });
    });
  }

  /** @internal Of x + bias, as one operation; null if something observes its calls, which are of that sum. */
  withBias(x: tf.Tensor, bias: tf.Tensor): tf.Tensor | null {
    if (isWatched(this) || this.call !== LayerNorm.prototype.call) return null;
    return biasLayerNorm(x, bias, this.gamma.read(), this.beta.read(), this.epsilon);
  }

  /** Not counted, as batch norm is not. */
  operations(): OperationList {
    return [];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), epsilon: this.epsilon };
  }
}

/**
 * A {@link LayerNorm} (arXiv 1607.06450): `[..., channels]` -> the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const layerNorm = (config?: LayerNormConfig) => new LayerNorm(config);

register(LayerNorm);
