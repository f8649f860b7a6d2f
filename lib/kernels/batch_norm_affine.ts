/** BatchNormAffine: a frozen batch norm as one factor and one term per channel, for the convolution before it. */
import type * as tf from '@tensorflow/tfjs';
import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import type { BatchNormAttrs } from './batch_norm';
import { type KernelDefinition, present, runKernel } from './kernel';

/**
 * scale = gamma / sqrt(variance + epsilon), shift = beta - (mean - bias) scale. Inputs, all `[channels]`: gamma, beta,
 * mean, variance; bias, which the input does not include, optional. Outputs: scale, shift `[channels]`. It has no
 * gradient.
 */
export const BatchNormAffine = 'BatchNormAffine';

export interface BatchNormAffineInputs extends NamedTensorInfoMap {
  gamma: TensorInfo;
  beta: TensorInfo;
  mean: TensorInfo;
  variance: TensorInfo;
}

export type BatchNormAffineTensors = Record<'gamma' | 'beta' | 'mean' | 'variance', tf.Tensor> & {
  bias?: tf.Tensor;
};

/** The effect of a frozen batch norm on each channel, y = scale x + shift, both `[channels]`. */
export interface ScaleAndShift {
  scale: tf.Tensor;
  shift: tf.Tensor;
}

/** The same, or the batch norm itself, for a kernel that takes it as it is. */
export type ChannelAffine = ScaleAndShift | { norm: BatchNormAffineTensors; epsilon: number };

/** The composed form. It has a gradient. */
export function batchNormAffine(
  { gamma, beta, mean, variance, bias }: BatchNormAffineTensors,
  { epsilon }: BatchNormAttrs,
): [scale: tf.Tensor, shift: tf.Tensor] {
  const scale = gamma.mul(variance.add(epsilon).rsqrt());
  const centre = bias ? mean.sub(bias) : mean;
  return [scale, beta.sub(centre.mul(scale))];
}

export const batchNormAffineDefinitions: KernelDefinition[] = [
  {
    name: BatchNormAffine,
    composed: (inputs, attrs: BatchNormAttrs) =>
      batchNormAffine(inputs as BatchNormAffineTensors, attrs),
  },
];

export function scaleAndShift(affine: ChannelAffine): ScaleAndShift {
  if ('scale' in affine) return affine;
  const { norm, epsilon } = affine;
  const [scale, shift] = runKernel<tf.Tensor[]>(BatchNormAffine, present(norm), { epsilon });
  return { scale: scale!, shift: shift! };
}

/** How a kernel takes an affine: among its inputs, and an attribute. */
export function affineInputs(
  affine: ChannelAffine,
): [inputs: Record<string, tf.Tensor | undefined>, attrs: BatchNormAttrs] {
  return 'norm' in affine
    ? [affine.norm, { epsilon: affine.epsilon }]
    : [{ ...affine }, { epsilon: 0 }];
}

/** The affine that a kernel has among its inputs. */
export function affineAmong(
  { x, filter, addend, w, ...affine }: Record<string, tf.Tensor>,
  { epsilon }: BatchNormAttrs,
): ChannelAffine {
  if (affine.scale) return affine as unknown as ScaleAndShift;
  return { norm: affine as BatchNormAffineTensors, epsilon };
}
