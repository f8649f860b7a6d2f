/** AdamWStep, Blend and RunningStatistics on tfjs-node: TensorFlow ops of this library's addon. */
import type { KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import {
  type AdamWAttrs,
  AdamWStep,
  Blend,
  type BlendAttrs,
  RunningStatistics,
  type RunningStatisticsAttrs,
  type RunningStatisticsInputs,
} from '../updates';
import { kernel, opAttrs } from './backend';

function adamWStep(
  inputs: Record<string, TensorInfo>,
  backend: TensorflowBackend,
  { factors }: AdamWAttrs,
): Tensor[] {
  const rows = factors.map(({ beta1, beta2, epsilon, kept, rate, root }) => {
    return [kept, rate, root, epsilon, beta1, 1 - beta1, beta2, 1 - beta2];
  });
  const attrs = opAttrs(backend, { ints: { N: rows.length } });
  const tensors = [...Object.values(inputs), tf.tensor2d(rows)];
  return backend.executeMultipleOutputs('SpikingformerAdamW', attrs, tensors, 3 * rows.length);
}

function blend(
  inputs: Record<string, TensorInfo>,
  backend: TensorflowBackend,
  { kept, taken }: BlendAttrs,
): Tensor[] {
  const tensors = Object.values(inputs);
  const variables = tensors.length / 2;
  const attrs = opAttrs(backend, { ints: { N: variables }, floats: { kept, taken } });
  return backend.executeMultipleOutputs('SpikingformerBlend', attrs, tensors, variables);
}

function runningStatistics(
  { mean, variance, batchMean, batchVariance, bias }: RunningStatisticsInputs,
  backend: TensorflowBackend,
  { kept, taken, takenVariance }: RunningStatisticsAttrs,
): Tensor[] {
  const optional = bias ? [bias] : [];
  const attrs = opAttrs(backend, {
    floats: { kept, taken, taken_variance: takenVariance },
    ints: { N: optional.length },
  });
  const inputs = [mean, variance, batchMean, batchVariance, ...optional];
  return backend.executeMultipleOutputs('SpikingformerRunningStatistics', attrs, inputs, 2);
}

export const updateKernels: KernelConfig[] = [
  kernel(AdamWStep, adamWStep),
  kernel(Blend, blend),
  kernel(RunningStatistics, runningStatistics),
];
