/** Temporal efficient training (TET; Deng et al., arXiv 2202.11946): every time step learns to answer. */
import * as tf from '@tensorflow/tfjs';
import { checkFinite, checkKeys, invalid } from '../lib/validate';

/** Options of `tetLoss`. */
export interface TetConfig {
  /** Share of the term that pulls logits toward `mean`, from 0 to 1. Default 0.001. */
  lambda?: number;
  /** The target of that term. Default 1. */
  mean?: number;
}

/**
 * loss = (1 - lambda) mean over batch and time of CE(targets, logits_t) + lambda mean((logits - mean)^2)
 *
 * `targets` are `[batch, classes]`, with rows that add up to 1; `logitsPerStep` is `[batch, time, classes]`. With
 * lambda 0 it is the mean cross entropy of the time steps.
 */
export function tetLoss(
  targets: tf.Tensor,
  logitsPerStep: tf.Tensor,
  config: TetConfig = {},
): tf.Scalar {
  checkKeys('tetLoss', config, ['lambda', 'mean']);
  const { lambda = 0.001, mean = 1 } = config;
  if (!(lambda >= 0 && lambda <= 1)) throw invalid('lambda', 'a number from 0 to 1', lambda);
  checkFinite('mean', mean);
  checkPerStep('targets', targets, logitsPerStep);
  return tf.tidy(() => {
    const likelihood = targets.expandDims(1).mul(logitsPerStep.logSoftmax()).sum(-1).mean();
    const drift = logitsPerStep.sub(mean).square().mean();
    return likelihood
      .mul(lambda - 1)
      .add(drift.mul(lambda))
      .asScalar();
  });
}

/** Whether `[batch, classes]` fits `[batch, time, classes]`. */
export function checkPerStep(
  argument: string,
  { shape }: tf.Tensor,
  logitsPerStep: tf.Tensor,
): void {
  if (logitsPerStep.rank !== 3) {
    throw invalid('logitsPerStep', '[batch, time, classes]', logitsPerStep.shape);
  }
  const expected = [logitsPerStep.shape[0]!, logitsPerStep.shape[2]!];
  if (!tf.util.arraysEqual(shape, expected)) {
    throw invalid(argument, `[batch, classes] of logitsPerStep, [${expected}]`, shape);
  }
}
