/** Batch normalization with one statistic over batch, time and space (PyTorch's BatchNorm on folded time). */
import * as tf from '@tensorflow/tfjs';
import {
  batchNormInference,
  batchNormLIFTraining,
  batchNormPoolTraining,
  batchNormTraining,
  updateRunningStatistics,
} from '../lib/batch_norm';
import type { NeuronAttrs } from '../lib/kernels/multi_step_lif';
import type { MaxPoolParams } from '../lib/max_pool';
import { statisticsShare } from '../lib/shared_statistics';
import type { ChannelAffine } from '../lib/spike_conv';
import { isRecordingGradients } from '../lib/tfjs_internals';
import { checkPositive, invalid } from '../lib/validate';
import {
  type CallArgs,
  checkLayerKeys,
  type LayerArgs,
  oneShape,
  oneTensor,
  register,
} from './layer';
import type { OperationList } from './operations';
import type { ReadWeight } from './stored_weights';

export interface BatchNormParams {
  /** Added to the variance. Default 1e-5, as in PyTorch. */
  epsilon?: number;
  /** The share of the running statistics that each batch keeps. Default 0.9, which is 0.1 in PyTorch's terms. */
  momentum?: number;
}

export type BatchNormOverTimeConfig = BatchNormParams & LayerArgs;

/** What the convolution before a batch norm may pass to it. */
interface NormalizeOptions {
  /**
   * A bias `[channels]` that x does not include. In training, normalization cancels it: it moves only the running mean,
   * and its gradient is exactly zero. Leaving it out saves two passes over x.
   */
  bias?: tf.Tensor;
  /**
   * How many times x counts in the running variance: the time steps of an image that is repeated over time. Default 1.
   */
  repeats?: number;
}

/** beta, of which the bias has a gradient, zero; without that it would have no gradient at all. */
function cancelled(beta: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const gradFunc = (dy: tf.Tensor) => [dy.clone(), tf.zeros(bias.shape)];
  return tf.customGrad((x) => ({ value: (x as tf.Tensor).clone(), gradFunc }))(beta, bias);
}

/**
 * `[..., channels]` -> the same shape. In training it normalizes with the batch's statistics and updates the running
 * ones (unbiased variance, as PyTorch). At inference, and when frozen (`trainable` false, as in Keras), it uses the
 * running ones.
 */
export class BatchNormOverTime extends tf.layers.Layer {
  static className = 'BatchNormOverTime';
  private readonly epsilon: number;
  private readonly momentum: number;
  private gamma!: tf.LayerVariable;
  private beta!: tf.LayerVariable;
  private movingMean!: tf.LayerVariable;
  private movingVariance!: tf.LayerVariable;

  constructor(config: BatchNormOverTimeConfig = {}) {
    checkLayerKeys('BatchNormOverTime', config, ['epsilon', 'momentum']);
    super(config);
    const { epsilon = 1e-5, momentum = 0.9 } = config;
    checkPositive('epsilon', epsilon);
    if (typeof momentum !== 'number' || !(momentum >= 0 && momentum < 1)) {
      throw invalid('momentum', 'a number from 0 to below 1', momentum);
    }
    this.epsilon = epsilon;
    this.momentum = momentum;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const channels = oneShape(inputShape).at(-1);
    if (channels == null) {
      throw invalid(`The input of ${this.name}`, 'of a known number of channels', inputShape);
    }
    const [zeros, ones] = [tf.initializers.zeros(), tf.initializers.ones()];
    const weight = (name: string, initializer: typeof zeros, trainable: boolean) =>
      this.addWeight(name, [channels], 'float32', initializer, undefined, trainable);
    this.gamma = weight('gamma', ones, true);
    this.beta = weight('beta', zeros, true);
    this.movingMean = weight('moving_mean', zeros, false);
    this.movingVariance = weight('moving_variance', ones, false);
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      return this.normalize(oneTensor(inputs), kwargs);
    });
  }

  /** @internal Whether it uses the batch's statistics rather than the running ones. */
  usesBatch(kwargs: CallArgs): boolean {
    return Boolean(kwargs.training && this.trainable && this.gamma.trainable);
  }

  /** @internal */
  normalize(x: tf.Tensor, kwargs: CallArgs, options: NormalizeOptions = {}): tf.Tensor {
    if (!this.usesBatch(kwargs)) return this.normalizeFrozen(x, options);
    const { y, ...statistics } = batchNormTraining(x, ...this.batchArgs(x, options));
    this.learn(statistics, x, options);
    return y;
  }

  /** @internal In training: the spikes of the stateless neurons behind it. */
  fire(x: tf.Tensor, neuron: NeuronAttrs, options: NormalizeOptions = {}): tf.Tensor {
    const [gamma, beta, params] = this.batchArgs(x, options);
    const { spikes, ...statistics } = batchNormLIFTraining(x, gamma, beta, neuron, params);
    this.learn(statistics, x, options);
    return spikes;
  }

  /** @internal In training: the max pool behind it, of images over time. */
  pool(x: tf.Tensor, pool: MaxPoolParams, options: NormalizeOptions = {}): tf.Tensor {
    const [gamma, beta, params] = this.batchArgs(x, options);
    const { y, ...statistics } = batchNormPoolTraining(x, gamma, beta, pool, params);
    this.learn(statistics, x, options);
    return y;
  }

  /**
   * @internal This layer as a scale and shift per channel, for the convolution before it to apply at inference. Null in
   * training and while a gradient is recorded.
   */
  asAffine(kwargs: CallArgs, bias?: tf.Tensor): ChannelAffine | null {
    return this.usesBatch(kwargs) || isRecordingGradients() ? null : this.affine(bias);
  }

  /** @internal What it does to each channel at inference, for an input that does not include that bias. */
  affine(bias?: tf.Tensor): ChannelAffine {
    const [gamma, beta] = [this.gamma.read(), this.beta.read()];
    const [mean, variance] = [this.movingMean.read(), this.movingVariance.read()];
    return { norm: { gamma, beta, mean, variance, bias }, epsilon: this.epsilon };
  }

  /** @internal What it divides each channel by at inference, without gamma. */
  deviations(read: ReadWeight): Float64Array {
    return Float64Array.from(read(this.movingVariance), (variance) =>
      Math.sqrt(variance + this.epsilon),
    );
  }

  /**
   * @internal Its running statistics for an input divided by `units`, one per channel: its output then stays, and so
   * does epsilon's part in it.
   */
  statisticsIn(units: Float64Array, read: ReadWeight): Map<tf.LayerVariable, Float32Array> {
    const { movingMean, movingVariance, epsilon } = this;
    const means = read(movingMean).map((mean, c) => mean / units[c]!);
    const variances = read(movingVariance).map(
      (variance, c) => (variance + epsilon) / units[c]! ** 2 - epsilon,
    );
    return new Map([
      [movingMean, means],
      [movingVariance, variances],
    ]);
  }

  private normalizeFrozen(x: tf.Tensor, { bias }: NormalizeOptions): tf.Tensor {
    const { epsilon } = this;
    const [gamma, beta] = [this.gamma.read(), this.beta.read()];
    const [running, variance] = [this.movingMean.read(), this.movingVariance.read()];
    const mean = bias ? running.sub(bias) : running;
    return batchNormInference(x, gamma, beta, mean, variance, { epsilon });
  }

  /** The number of values behind each channel's statistics. */
  private countOf(x: tf.Tensor, { repeats = 1 }: NormalizeOptions): number {
    return (x.size / this.gamma.shape[0]!) * repeats * (statisticsShare()?.size ?? 1);
  }

  private batchArgs(
    x: tf.Tensor,
    options: NormalizeOptions,
  ): [gamma: tf.Tensor, beta: tf.Tensor, params: { epsilon: number }] {
    if (this.countOf(x, options) < 2) {
      throw invalid(
        `The input of ${this.name}`,
        'at least 2 values per channel in training',
        x.shape,
      );
    }
    const { bias } = options;
    const beta = this.beta.read();
    return [this.gamma.read(), bias ? cancelled(beta, bias) : beta, { epsilon: this.epsilon }];
  }

  /** Updates the running statistics. */
  private learn(
    batch: { mean: tf.Tensor; variance: tf.Tensor },
    x: tf.Tensor,
    options: NormalizeOptions,
  ): void {
    const running = updateRunningStatistics(
      { mean: this.movingMean.read(), variance: this.movingVariance.read() },
      batch,
      this.momentum,
      this.countOf(x, options),
      options.bias,
    );
    this.movingMean.write(running.mean);
    this.movingVariance.write(running.variance);
  }

  /** The papers do not count batch norm: at inference it merges into the map before it. */
  operations(): OperationList {
    return [];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), epsilon: this.epsilon, momentum: this.momentum };
  }
}

/**
 * A {@link BatchNormOverTime}: `[..., channels]` -> the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const batchNormOverTime = (config?: BatchNormOverTimeConfig) =>
  new BatchNormOverTime(config);

register(BatchNormOverTime);
