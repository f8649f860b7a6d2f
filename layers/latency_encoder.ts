/** Latency encoding: each value of a static input fires once, larger values earlier. */
import * as tf from '@tensorflow/tfjs';
import { encodeSpikes } from '../lib/encode';
import { checkOneOf, checkPositiveInteger } from '../lib/validate';
import { checkLayerKeys, type LayerArgs, oneShape, oneTensor, register } from './layer';
import { markSpikes } from './silent';

const FUNCTIONS = ['linear', 'log'] as const;

/** Options of {@link LatencyEncoder}. */
export interface LatencyEncoderConfig extends LayerArgs {
  /** Number of time steps. SpikingJelly: T. */
  timeSteps: number;
  /** How the firing step falls as the value rises. Default 'linear'. SpikingJelly: enc_function. */
  encFunction?: (typeof FUNCTIONS)[number];
}

/**
 * `[batch, ...]` -> `[batch, time, ...]`: 1 at step t_f, else 0, where T is timeSteps and
 *
 *   linear: t_f = round((T - 1) (1 - x))
 *   log:    t_f = round(T - 1 - ln(alpha x + 1)), alpha = exp(T - 1) - 1
 *
 * (halves round to the even step). x is from 0 to 1; values outside may not fire at all. As in SpikingJelly's
 * LatencyEncoder, the gradient is zero.
 */
export class LatencyEncoder extends tf.layers.Layer {
  static className = 'LatencyEncoder';
  private readonly timeSteps: number;
  private readonly encFunction: (typeof FUNCTIONS)[number];

  constructor(config: LatencyEncoderConfig) {
    checkLayerKeys('LatencyEncoder', config, ['timeSteps', 'encFunction']);
    super(config);
    const { timeSteps, encFunction = 'linear' } = config;
    checkPositiveInteger('timeSteps', timeSteps);
    checkOneOf('encFunction', encFunction, FUNCTIONS);
    this.timeSteps = timeSteps;
    this.encFunction = encFunction;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => markSpikes(encodeSpikes(oneTensor(inputs), (x) => this.fires(x))));
  }

  /** A mask of the steps at which x fires. */
  private fires(x: tf.Tensor): tf.Tensor {
    const last = this.timeSteps - 1;
    const time =
      this.encFunction === 'log'
        ? tf.sub(last, x.mul(Math.expm1(last)).add(1).log())
        : tf.sub(1, x).mul(last);
    const steps = tf.range(0, this.timeSteps).reshape([1, -1, ...x.shape.slice(1).map(() => 1)]);
    return time.round().expandDims(1).equal(steps);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, ...rest] = oneShape(inputShape);
    return [batch, this.timeSteps, ...rest];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), timeSteps: this.timeSteps, encFunction: this.encFunction };
  }
}

/**
 * A {@link LatencyEncoder}: values from 0 to 1, `[batch, ...]` -> one spike each in `[batch, time, ...]`, earlier for
 * larger ones.
 *
 * @throws if an option is unknown or invalid
 */
export const latencyEncoder = (config: LatencyEncoderConfig) => new LatencyEncoder(config);

register(LatencyEncoder);
