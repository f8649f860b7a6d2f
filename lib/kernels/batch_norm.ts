/** BatchNormTraining and its gradient, in closed form (Ioffe & Szegedy, arXiv 1502.03167). */
import type * as tf from '@tensorflow/tfjs';
import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import { type KernelDefinition, runKernelOrForm } from './kernel';

/**
 * Batch normalization with the statistics of the batch, over every axis but the last. Inputs: x `[..., channels]`,
 * gamma, beta `[channels]`. Outputs: y, shaped as x; mean and variance (biased) `[channels]`, for running statistics,
 * without gradient.
 */
export const BatchNormTraining = 'BatchNormTraining';

/** The gradient of BatchNormTraining. Inputs: dy, x, gamma, mean, variance. Outputs: dx, dgamma, dbeta. */
export const BatchNormTrainingGrad = 'BatchNormTrainingGrad';

export interface BatchNormAttrs {
  epsilon: number;
}

export interface BatchNormInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  gamma: TensorInfo;
  beta: TensorInfo;
}

export interface BatchNormGradInputs extends NamedTensorInfoMap {
  dy: TensorInfo;
  x: TensorInfo;
  gamma: TensorInfo;
  mean: TensorInfo;
  variance: TensorInfo;
}

/** The sum over every axis but the last. It sums each sample first: float32 is most precise with few terms. */
function sumRows(x: tf.Tensor): tf.Tensor {
  const inner = x.shape.slice(1, -1).map((_, axis) => axis + 1);
  return (inner.length > 0 ? x.sum(inner) : x).sum(0);
}

const rowsOf = (x: tf.Tensor, gamma: tf.Tensor) => x.size / gamma.size;

/** The composed form of BatchNormTraining. */
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

/**
 * The composed form of BatchNormTrainingGrad: dx = gamma rstd (dy - mean(dy) - xhat mean(dy xhat)), xhat = (x - mean)
 * rstd.
 */
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

const definition: KernelDefinition = {
  name: BatchNormTraining,
  composed: ({ x, gamma, beta }, attrs: BatchNormAttrs) =>
    batchNormTraining(x!, gamma!, beta!, attrs),
  gradient: {
    kernel: BatchNormTrainingGrad,
    inputs: ['x', 'gamma'],
    outputs: ['', 'mean', 'variance'],
    of: ['x', 'gamma', 'beta'],
  },
};

export const batchNormDefinitions: KernelDefinition[] = [
  definition,
  {
    name: BatchNormTrainingGrad,
    composed: ({ dy, x, gamma, mean, variance }, attrs: BatchNormAttrs) =>
      batchNormTrainingGrad(dy!, x!, gamma!, mean!, variance!, attrs),
    once: {
      what: 'batchNormTraining',
      why: 'it was computed outside the function to differentiate',
    },
  },
];

export function runBatchNormTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  attrs: BatchNormAttrs,
): [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  return runKernelOrForm(definition, { x, gamma, beta }, attrs);
}
