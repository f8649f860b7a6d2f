/** The mean over tokens at each time step, for a network whose head comes before the mean over time. */
import * as tf from '@tensorflow/tfjs';
import {
  checkLayerKeys,
  checkTokens,
  type LayerArgs,
  oneShape,
  oneTensor,
  register,
} from './layer';

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> `[batch, time, channels]`. */
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

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs);
      const [batch, time] = x.shape as [number, number];
      return x.reshape([batch, time, -1, x.shape.at(-1)!]).mean(2);
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape);
    return [shape[0]!, shape[1]!, shape.at(-1)!];
  }
}

export const tokenMean = (config?: LayerArgs) => new TokenMean(config);

register(TokenMean);
