/** BatchNormLIF: batch normalization and the neurons behind it as one kernel, and its gradient. */
import type * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import { type BatchNormAttrs, type BatchNormGradInputs, runBatchNormTraining } from './batch_norm';
import { type KernelDefinition, runKernelOrForm } from './kernel';
import { type NeuronAttrs, neuronsOnce, runMultiStepLIF } from './multi_step_lif';
import { isBuiltInSurrogate } from './surrogate';

/**
 * BatchNormTraining followed by MultiStepLIF without first membranes, as one kernel that keeps nothing in between. Only
 * backends with a native kernel run it. Inputs: x `[batch, time, ..., channels]`, gamma, beta `[channels]`. Outputs:
 * spikes, shaped as x; mean and variance as in BatchNormTraining.
 */
export const BatchNormLIF = 'BatchNormLIF';

/**
 * The gradient of BatchNormLIF. Inputs: dy, shaped as the spikes; x, gamma, mean, variance, beta. Outputs: dx, dgamma,
 * dbeta.
 */
export const BatchNormLIFGrad = 'BatchNormLIFGrad';

export type BatchNormLIFAttrs = BatchNormAttrs & NeuronAttrs;

export interface BatchNormLIFGradInputs extends BatchNormGradInputs {
  beta: TensorInfo;
}

/** The two kernels that it replaces. */
function batchNormThenLIF(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon, ...neuron }: BatchNormLIFAttrs,
): [spikes: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  const [y, mean, variance] = runBatchNormTraining(x, gamma, beta, { epsilon });
  const [spikes] = runMultiStepLIF(y, neuron, undefined, undefined, {
    lastMembranes: false,
    forLayers: true,
  });
  return [spikes, mean, variance];
}

const definition: KernelDefinition = {
  name: BatchNormLIF,
  standsFor: ({ x, gamma, beta }, attrs: BatchNormLIFAttrs) =>
    batchNormThenLIF(x!, gamma!, beta!, attrs),
  gradient: {
    kernel: BatchNormLIFGrad,
    inputs: ['x', 'gamma', 'beta'],
    outputs: ['', 'mean', 'variance'],
    of: ['x', 'gamma', 'beta'],
  },
};

export const batchNormLIFDefinitions: KernelDefinition[] = [
  definition,
  { name: BatchNormLIFGrad, once: neuronsOnce },
];

export function runBatchNormLIF(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  attrs: BatchNormLIFAttrs,
): [spikes: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  if (!isBuiltInSurrogate(attrs.surrogate)) return batchNormThenLIF(x, gamma, beta, attrs);
  return runKernelOrForm(definition, { x, gamma, beta }, attrs);
}
