/** The mean over tokens at each time step, for networks whose head comes before the mean over time. */
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
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> `[batch, time, channels]`. With a
 * `mask` `[batch, tokens]`, such as TokenEmbedding makes with padId, the mean leaves padding out.
 */
export class TokenMean extends tf.layers.Layer {
  static className = 'TokenMean';

  constructor(config: LayerArgs = {}) {
    checkLayerKeys('TokenMean', config, []);
    super(config);
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    checkTokens(this.name, oneShape(inputShape));
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => meanOverTokens(oneTensor(inputs), kwargs));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape);
    return [shape[0]!, shape[1]!, shape.at(-1)!];
  }
}

/**
 * A {@link TokenMean}: `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> `[batch,
 * time, channels]`.
 *
 * @throws if an option is unknown or invalid
 */
export const tokenMean = (config?: LayerArgs) => new TokenMean(config);

register(TokenMean);
