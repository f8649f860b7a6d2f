/** Poisson encoding: each value of a static input is the probability of a spike at every time step. */
import * as tf from '@tensorflow/tfjs';
import { encodeSpikes } from '../lib/encode';
import { Random } from '../lib/random';
import { checkPositiveInteger, invalid } from '../lib/validate';
import {
  type CallArgs,
  checkLayerKeys,
  type LayerArgs,
  oneShape,
  oneTensor,
  register,
} from './layer';
import { markSpikes } from './silent';

/** Options of {@link PoissonEncoder}. */
export interface PoissonEncoderConfig extends LayerArgs {
  /** How many times the input is drawn. SpikingJelly: once per call of its encoder. */
  timeSteps: number;
  /**
   * Any safe integer. In training each call and each sample gets its own noise, in the same sequence for the same seed.
   * At inference all samples and calls share one noise, so that an answer depends neither on other samples of the batch
   * nor on earlier calls. Default null: a random seed.
   */
  seed?: number | null;
}

/**
 * `[batch, ...]` -> `[batch, time, ...]`: 1 where a uniform number in [0, 1) is below x, else 0. x is from 0 to 1;
 * values below never fire, values above always do. As in SpikingJelly's PoissonEncoder, the gradient is zero.
 */
export class PoissonEncoder extends tf.layers.Layer {
  static className = 'PoissonEncoder';
  private readonly timeSteps: number;
  private readonly seed: number | null;
  private readonly drawnSeed: number;
  private trainingCalls = 0;

  constructor(config: PoissonEncoderConfig) {
    checkLayerKeys('PoissonEncoder', config, ['timeSteps', 'seed']);
    super(config);
    const { timeSteps, seed = null } = config;
    checkPositiveInteger('timeSteps', timeSteps);
    if (seed !== null && !Number.isSafeInteger(seed)) {
      throw invalid('seed', 'a safe integer or null', seed);
    }
    this.timeSteps = timeSteps;
    this.seed = seed;
    this.drawnSeed = seed ?? Math.floor(Math.random() * 2 ** 32);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs = {}): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs);
      const [batch, ...rest] = x.shape as [number, ...number[]];
      const random = kwargs.training
        ? new Random(this.drawnSeed, 'poisson', 'call', ++this.trainingCalls)
        : new Random(this.drawnSeed, 'poisson');
      const noise = uniform([kwargs.training ? batch : 1, this.timeSteps, ...rest], random);
      return markSpikes(encodeSpikes(x, (value) => noise.less(value.expandDims(1))));
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, ...rest] = oneShape(inputShape);
    return [batch, this.timeSteps, ...rest];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), timeSteps: this.timeSteps, seed: this.seed };
  }
}

/** Uniform in [0, 1), in steps of 2^-24: float32 has no finer steps just below 1. */
function uniform(shape: number[], random: Random): tf.Tensor {
  const values = new Float32Array(tf.util.sizeFromShape(shape));
  for (let i = 0; i < values.length; i++) values[i] = (random.bits() >>> 8) / 2 ** 24;
  return tf.tensor(values, shape);
}

/**
 * A {@link PoissonEncoder}: values from 0 to 1, `[batch, ...]` -> random spikes of that rate, `[batch, time, ...]`.
 *
 * @throws if an option is unknown or invalid
 */
export const poissonEncoder = (config: PoissonEncoderConfig) => new PoissonEncoder(config);

register(PoissonEncoder);
