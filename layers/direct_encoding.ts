/**
 * Direct encoding: a static input is repeated at every time step, and the first layers learn to turn it into spikes.
 */
import * as tf from '@tensorflow/tfjs';
import { repeatOverTime } from '../lib/fold_time';
import { checkPositiveInteger } from '../lib/validate';
import { checkLayerKeys, type LayerArgs, oneShape, oneTensor, register } from './layer';

/** Options of {@link DirectEncoding}. */
export interface DirectEncodingConfig extends LayerArgs {
  /** How many times the input is repeated. */
  timeSteps: number;
}

/** `[batch, ...]` -> `[batch, time, ...]`. */
export class DirectEncoding extends tf.layers.Layer {
  static className = 'DirectEncoding';
  private readonly timeSteps: number;

  constructor(config: DirectEncodingConfig) {
    checkLayerKeys('DirectEncoding', config, ['timeSteps']);
    super(config);
    checkPositiveInteger('timeSteps', config.timeSteps);
    this.timeSteps = config.timeSteps;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => repeatOverTime(oneTensor(inputs), this.timeSteps));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, ...rest] = oneShape(inputShape);
    return [batch, this.timeSteps, ...rest];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), timeSteps: this.timeSteps };
  }
}

/**
 * A {@link DirectEncoding}: `[batch, ...]` -> `[batch, time, ...]`, the same at every time step.
 *
 * @throws if an option is unknown or invalid
 */
export const directEncoding = (config: DirectEncodingConfig) => new DirectEncoding(config);

register(DirectEncoding);
