/** BatchNormTraining in stock tfjs ops, its gradient in closed form (Ioffe & Szegedy, arXiv 1502.03167). */
import * as tf from '@tensorflow/tfjs';
import type { BatchNormAttrs } from '../spec';

const leadingAxes = (x: tf.Tensor) => x.shape.slice(0, -1).map((_, axis) => axis);

/** See `BatchNormTraining` in spec.ts. */
export function batchNormTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon }: BatchNormAttrs,
): tf.Tensor[] {
  const mean = x.mean(leadingAxes(x));
  const centred = x.sub(mean);
  const variance = centred.square().mean(leadingAxes(x));
  const y = centred.mul(gamma.mul(variance.add(epsilon).rsqrt())).add(beta);
  return [y, mean, variance];
}

/** dx = gamma rstd (dy - mean(dy) - xhat mean(dy xhat)), xhat = (x - mean) rstd. */
export function batchNormTrainingGrad(
  dy: tf.Tensor,
  x: tf.Tensor,
  gamma: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  { epsilon }: BatchNormAttrs,
): tf.Tensor[] {
  const rows = x.size / gamma.size;
  const rstd = variance.add(epsilon).rsqrt();
  const xhat = x.sub(mean).mul(rstd);
  const dbeta = dy.sum(leadingAxes(x));
  const dgamma = dy.mul(xhat).sum(leadingAxes(x));
  const dx = dy
    .sub(dbeta.div(rows))
    .sub(xhat.mul(dgamma.div(rows)))
    .mul(gamma.mul(rstd));
  return [dx, dgamma, dbeta];
}
