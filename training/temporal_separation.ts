/**
 * Distillation with temporal separation and entropy regularization (TSER; Yu et al., arXiv 2503.03144): each time step
 * learns the teacher's answer separately, and is kept from overconfidence.
 *
 *   (1 - alpha) mean CE + alpha temperature^2 mean KL - gamma mean entropy, means over batch and time
 *
 * Written from the paper's description. The values of alpha, temperature and gamma, and the temperature of the entropy,
 * are unverified. The first term is `tetLoss` with lambda 0; the other two are here.
 */
import * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../lib/validate';
import { DEFAULT_TEMPERATURE, softDivergence } from './soft_labels';
import { checkPerStep } from './tet_loss';

/**
 * loss = temperature^2 mean over batch and time of
 *        KL(softmax(teacherLogits / temperature) || softmax(logits_t / temperature))
 *
 * `logitsPerStep` is `[batch, time, classes]`, `teacherLogits` `[batch, classes]`.
 */
export function stepSoftLabelLoss(
  logitsPerStep: tf.Tensor,
  teacherLogits: tf.Tensor,
  temperature = DEFAULT_TEMPERATURE,
): tf.Scalar {
  checkPerStep('teacherLogits', teacherLogits, logitsPerStep);
  checkPositive('temperature', temperature);
  return tf.tidy(() => {
    const divergence = softDivergence(teacherLogits.expandDims(1), logitsPerStep, temperature);
    return divergence
      .mean()
      .mul(temperature ** 2)
      .asScalar();
  });
}

/**
 * mean over batch and time of the entropy, in nats, of softmax(logits_t / temperature); `logitsPerStep` is
 * `[batch, time, classes]`.
 */
export function stepEntropy(
  logitsPerStep: tf.Tensor,
  temperature = DEFAULT_TEMPERATURE,
): tf.Scalar {
  if (logitsPerStep.rank !== 3) {
    throw invalid('logitsPerStep', '[batch, time, classes]', logitsPerStep.shape);
  }
  checkPositive('temperature', temperature);
  return tf.tidy(() => {
    const logarithms = logitsPerStep.div(temperature).logSoftmax();
    return logarithms.exp().mul(logarithms).sum(-1).mean().neg().asScalar();
  });
}
