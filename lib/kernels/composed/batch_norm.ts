/** BatchNormTraining in stock tfjs ops, its gradient in closed form (Ioffe & Szegedy, arXiv 1502.03167). */
import type * as tf from '@tensorflow/tfjs';
import type { BatchNormAttrs } from '../spec';

/** Sum over every axis but the last: each sample's own first, since float32 adds up few numbers best. */
function sumRows(x: tf.Tensor): tf.Tensor {
  const inner = x.shape.slice(1, -1).map((_, axis) => axis + 1);
  return (inner.length > 0 ? x.sum(inner) : x).sum(0);
}

const rowsOf = (x: tf.Tensor, gamma: tf.Tensor) => x.size / gamma.size;

/** See `BatchNormTraining` in spec.ts. */
export function batchNormTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon }: BatchNormAttrs,
): [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  const rows = rowsOf(x, gamma);
  const mean = sumRows(x).div(rows);
  const centred = x.sub(mean);
  const variance = sumRows(centred.square()).div(rows);
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
  const rows = rowsOf(x, gamma);
  const rstd = variance.add(epsilon).rsqrt();
  const xhat = x.sub(mean).mul(rstd);
  const dbeta = sumRows(dy);
  const dgamma = sumRows(dy.mul(xhat));
  const dx = dy
    .sub(dbeta.div(rows))
    .sub(xhat.mul(dgamma.div(rows)))
    .mul(gamma.mul(rstd));
  return [dx, dgamma, dbeta];
}
