/** BatchNormPool: batch normalization and the max pool behind it as one kernel, and its gradient. */
import type * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import { type BatchNormAttrs, type BatchNormGradInputs, runBatchNormTraining } from './batch_norm';
import { type KernelDefinition, runKernelOrForm } from './kernel';
import { type MaxPoolAttrs, MOST_PLACED, poolOnce, runFirstMaxPool } from './max_pool';
import { folded } from './spike_product';

/**
 * BatchNormTraining followed by PlacedMaxPool, as one kernel that keeps nothing in between. Only backends with a native
 * kernel run it. Inputs: x `[..., height, width, channels]`, gamma, beta `[channels]`. Outputs: y, the pooled images;
 * mean and variance as in BatchNormTraining; places as in PlacedMaxPool.
 */
export const BatchNormPool = 'BatchNormPool';

/** The gradient of BatchNormPool. Inputs: dy, x, gamma, mean, variance, places. Outputs: dx, dgamma, dbeta. */
export const BatchNormPoolGrad = 'BatchNormPoolGrad';

export type BatchNormPoolAttrs = BatchNormAttrs & MaxPoolAttrs;

export interface BatchNormPoolGradInputs extends BatchNormGradInputs {
  places: TensorInfo;
}

/** The two kernels that it replaces. */
function batchNormThenPool(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon, ...pool }: BatchNormPoolAttrs,
): tf.Tensor[] {
  const [normalized, mean, variance] = runBatchNormTraining(x, gamma, beta, { epsilon });
  const y = runFirstMaxPool(folded(normalized, 4) as tf.Tensor4D, pool);
  return [y.reshape([...x.shape.slice(0, -3), ...y.shape.slice(1)]), mean, variance];
}

const definition: KernelDefinition = {
  name: BatchNormPool,
  standsFor: ({ x, gamma, beta }, attrs: BatchNormPoolAttrs) =>
    batchNormThenPool(x!, gamma!, beta!, attrs),
  gradient: {
    kernel: BatchNormPoolGrad,
    inputs: ['x', 'gamma'],
    outputs: ['', 'mean', 'variance', 'places'],
    of: ['x', 'gamma', 'beta'],
  },
};

export const batchNormPoolDefinitions: KernelDefinition[] = [
  definition,
  { name: BatchNormPoolGrad, once: poolOnce },
];

export function runBatchNormPool(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  attrs: BatchNormPoolAttrs,
): [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  const outputs: tf.Tensor[] =
    attrs.poolSize > MOST_PLACED
      ? batchNormThenPool(x, gamma, beta, attrs)
      : runKernelOrForm(definition, { x, gamma, beta }, attrs);
  return outputs.slice(0, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
}
