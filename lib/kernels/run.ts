/** Runs this library's kernels on the current backend, installing what it lacks first. */
import * as tf from '@tensorflow/tfjs';
import { isBuiltInSurrogate } from '../surrogate';
import { spikingAttention } from './composed/attention';
import { batchNormTraining } from './composed/batch_norm';
import { installKernels } from './install';
import {
  type AdamWAttrs,
  AdamWStep,
  type BatchNormAttrs,
  BatchNormLIF,
  type BatchNormLIFAttrs,
  BatchNormTraining,
  Blend,
  type BlendAttrs,
  FirstMaxPool,
  type MaxPoolAttrs,
  MultiStepLIF,
  type NeuronAttrs,
  SpikeConv2D,
  SpikingAttention,
  type SpikingAttentionAttrs,
} from './spec';

export function runKernel<T extends tf.Tensor | tf.Tensor[]>(
  name: string,
  inputs: tf.NamedTensorMap,
  attrs: object,
): T {
  installKernels();
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as T;
}

/** Of a kernel that stands for others: whether the backend has one. */
function hasKernel(name: string): boolean {
  installKernels();
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/**
 * Whether the gradient of a gradient may be asked for of what is computed now. Gradients of our kernels
 * are kernels without one; of stock ops' gradients there are gradients.
 */
function mayDifferentiateTwice(): boolean {
  return tf.engine().state.gradientDepth > 1;
}

/** The inputs that a call really has: the engine knows no optional ones. */
export function present(inputs: Record<string, tf.Tensor | undefined>): tf.NamedTensorMap {
  return Object.fromEntries(
    Object.entries(inputs).filter((entry): entry is [string, tf.Tensor] => entry[1] !== undefined),
  );
}

export function runMultiStepLIF(
  x: tf.Tensor,
  attrs: NeuronAttrs,
  v0?: tf.Tensor,
  w?: tf.Tensor,
  lastMembranes = true,
): [spikes: tf.Tensor, v: tf.Tensor] {
  const inputs = present({ x, v0, w });
  // The engine saves optional inputs for the gradient only where `inputs` is an array; it reads them
  // by name all the same. The names tell the gradient which of them there were.
  const named = Object.assign([], inputs) as unknown as tf.NamedTensorMap;
  const inputNames = Object.keys(inputs);
  if (isBuiltInSurrogate(attrs.surrogate)) {
    return runKernel(MultiStepLIF, named, { ...attrs, lastMembranes, inputNames });
  }
  // Kernels fire alike whatever the surrogate, and never hear of a user's own; the gradient does.
  const known = { ...attrs, surrogate: 'sigmoid', userSurrogate: attrs.surrogate };
  return runKernel(MultiStepLIF, named, { ...known, lastMembranes: true, inputNames });
}

export function runBatchNormTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  attrs: BatchNormAttrs,
): [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  if (mayDifferentiateTwice()) return batchNormTraining(x, gamma, beta, attrs);
  return runKernel(BatchNormTraining, { x, gamma, beta }, attrs);
}

/** One kernel where the backend has it; else the two that it stands for. */
export function runBatchNormLIF(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  attrs: BatchNormLIFAttrs,
): [spikes: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  const fuses = isBuiltInSurrogate(attrs.surrogate) && !mayDifferentiateTwice();
  if (fuses && hasKernel(BatchNormLIF)) {
    return runKernel(BatchNormLIF, { x, gamma, beta }, attrs);
  }
  const { epsilon, ...neuron } = attrs;
  const [y, mean, variance] = runBatchNormTraining(x, gamma, beta, { epsilon });
  const [spikes] = runMultiStepLIF(y, neuron, undefined, undefined, false);
  return [spikes, mean, variance];
}

export function runFirstMaxPool(x: tf.Tensor4D, attrs: MaxPoolAttrs): tf.Tensor4D {
  return runKernel(FirstMaxPool, { x }, attrs);
}

export function runSpikeConv2D(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  scale: tf.Tensor,
  shift: tf.Tensor,
): tf.Tensor4D {
  return runKernel(SpikeConv2D, { x, filter, scale, shift }, {});
}

export function runAdamWStep(
  inputs: Record<'p' | 'g' | 'm' | 'v', tf.Tensor>,
  attrs: AdamWAttrs,
): [p: tf.Tensor, m: tf.Tensor, v: tf.Tensor] {
  return runKernel(AdamWStep, inputs, attrs);
}

export function runBlend(old: tf.Tensor, now: tf.Tensor, attrs: BlendAttrs): tf.Tensor {
  return runKernel(Blend, { old, now }, attrs);
}

/** The backend's own kernel, or stock ops. */
export function runSpikingAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  attrs: SpikingAttentionAttrs,
): tf.Tensor {
  if (!mayDifferentiateTwice() && hasKernel(SpikingAttention)) {
    return runKernel(SpikingAttention, { q, k, v }, attrs);
  }
  return tf.tidy(() => spikingAttention(q, k, v, attrs));
}
