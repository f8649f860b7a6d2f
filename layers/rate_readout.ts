/** Reads a network out by its firing rate: the mean over tokens, then over time. */
import * as tf from '@tensorflow/tfjs';
import {
  type CallArgs,
  checkLayerKeys,
  checkTokens,
  type LayerArgs,
  oneShape,
  oneTensor,
  register,
} from './layer';
import { meanOverTokens } from './parts/token_mask';

/**
 * `[batch, time, channels]`, `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> `[batch,
 * channels]`. With a `mask` `[batch, tokens]` the mean leaves padding out.
 */
export class RateReadout extends tf.layers.Layer {
  static className = 'RateReadout';

  constructor(config: LayerArgs = {}) {
    checkLayerKeys('RateReadout', config, []);
    super(config);
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = oneShape(inputShape);
    if (shape.length !== 3) checkTokens(this.name, shape);
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs);
      if (kwargs.mask && x.rank === 4) return meanOverTokens(x, kwargs).mean(1);
      // Every step has the same number of tokens, so the mean of the means is the mean.
      return x.reshape([x.shape[0]!, -1, x.shape.at(-1)!]).mean(1);
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape);
    return [shape[0]!, shape.at(-1)!];
  }
}

/**
 * A {@link RateReadout}: `[batch, time, channels]`, also with tokens or an image before the channels -> means
 * `[batch, channels]`.
 *
 * @throws if an option is unknown or invalid
 */
export const rateReadout = (config?: LayerArgs) => new RateReadout(config);

register(RateReadout);
