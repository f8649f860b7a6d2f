/** Batch normalization over batch, time and space at once, with PyTorch's running statistics. */
import * as tf from '@tensorflow/tfjs';
import {
  runBatchNormLIF,
  runBatchNormPool,
  runBatchNormTraining,
  runRunningStatistics,
} from './kernels';
import { batchNormAffine } from './kernels/batch_norm_affine';
import type { NeuronAttrs } from './kernels/multi_step_lif';
import { checkFitsPool, type MaxPoolParams, resolveMaxPool } from './max_pool';
import { sharedBatchNorm, statisticsShare } from './shared_statistics';
import { invalid } from './validate';

/** Options of `batchNormTraining` and `batchNormInference`. */
export interface BatchNormParams {
  /** Added to the variance. Default 1e-5, as in PyTorch. */
  epsilon?: number;
}

/** The normalized `[..., channels]`, and the statistics `[channels]` used for it; the variance is biased. */
export interface BatchNormOutput {
  y: tf.Tensor;
  mean: tf.Tensor;
  variance: tf.Tensor;
}

/** Each vector needs one number per channel of x; kernels would read beyond the end of a shorter one. */
function checkChannels(x: tf.Tensor, vectors: Record<string, tf.Tensor>): void {
  if (x.rank < 2) throw invalid('x', 'of shape [..., channels]', x.shape);
  if (x.dtype !== 'float32') throw invalid('x', 'of dtype float32', x.dtype);
  const channels = x.shape.at(-1)!;
  for (const [name, { shape }] of Object.entries(vectors)) {
    if (shape.length !== 1 || shape[0] !== channels) {
      throw invalid(name, `of shape [${channels}], one number per channel of x`, shape);
    }
  }
}

/** An empty tensor has no statistics. */
function checkNotEmpty(x: tf.Tensor): void {
  if (x.size === 0) throw invalid('x', 'of at least one value per channel', x.shape);
}

/**
 * Normalizes with the statistics of the batch: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, over every axis
 * but the last, so that all time steps share one statistic. mean and variance carry no gradient.
 *
 * @param x float32 `[..., channels]`.
 * @param gamma,beta float32 `[channels]`.
 */
export function batchNormTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon = 1e-5 }: BatchNormParams = {},
): BatchNormOutput {
  checkChannels(x, { gamma, beta });
  checkNotEmpty(x);
  const share = statisticsShare();
  const [y, mean, variance] = share
    ? sharedBatchNorm(x, gamma, beta, epsilon, share)
    : runBatchNormTraining(x, gamma, beta, { epsilon });
  return { y, mean, variance };
}

/**
 * The spikes of the LIF neurons behind `batchNormTraining`: `multiStepLIF` of its y. A backend with one kernel for both
 * never stores y.
 * @param x `[batch, time, ..., channels]`.
 * @param neuron Complete and checked.
 */
export function batchNormLIFTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  neuron: NeuronAttrs,
  { epsilon = 1e-5 }: BatchNormParams = {},
): Omit<BatchNormOutput, 'y'> & { spikes: tf.Tensor } {
  checkChannels(x, { gamma, beta });
  if (x.rank < 3) throw invalid('x', 'of shape [batch, time, ..., channels]', x.shape);
  checkNotEmpty(x);
  const [spikes, mean, variance] = runBatchNormLIF(x, gamma, beta, { ...neuron, epsilon });
  return { spikes, mean, variance };
}

/**
 * The max pool, as `maxPoolOverTime`, of `batchNormTraining`'s y. A backend with one kernel for both never stores y.
 * @param x `[batch, time, height, width, channels]`.
 */
export function batchNormPoolTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  pool: MaxPoolParams,
  { epsilon = 1e-5 }: BatchNormParams = {},
): BatchNormOutput {
  checkChannels(x, { gamma, beta });
  if (x.rank !== 5) throw invalid('x', 'of shape [batch, time, height, width, channels]', x.shape);
  checkNotEmpty(x);
  const attrs = resolveMaxPool(pool);
  checkFitsPool(x, attrs);
  const [y, mean, variance] = runBatchNormPool(x, gamma, beta, { ...attrs, epsilon });
  return { y, mean, variance };
}

/** Normalizes x `[..., channels]` with given statistics `[channels]`, as at inference. */
export function batchNormInference(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  { epsilon = 1e-5 }: BatchNormParams = {},
): tf.Tensor {
  checkChannels(x, { gamma, beta, mean, variance });
  return tf.tidy(() => {
    const [scale, shift] = batchNormAffine({ gamma, beta, mean, variance }, { epsilon });
    return x.mul(scale).add(shift);
  });
}

/**
 * Running statistics after one batch, as PyTorch keeps them, with the unbiased variance (n / (n - 1)).
 * @param momentum The share of the old statistics to keep: 0.9 in tf.layers is 0.1 in PyTorch.
 * @param count The number of values behind each channel's statistics, at least 2.
 * @param bias A bias `[channels]` that the batch's values do not include.
 */
export function updateRunningStatistics(
  running: { mean: tf.Tensor; variance: tf.Tensor },
  batch: { mean: tf.Tensor; variance: tf.Tensor },
  momentum: number,
  count: number,
  bias?: tf.Tensor,
): { mean: tf.Tensor; variance: tf.Tensor } {
  const taken = 1 - momentum;
  const [mean, variance] = runRunningStatistics(
    { ...running, batchMean: batch.mean, batchVariance: batch.variance, bias },
    { kept: momentum, taken, takenVariance: taken * (count / Math.max(count - 1, 1)) },
  );
  return { mean, variance };
}
