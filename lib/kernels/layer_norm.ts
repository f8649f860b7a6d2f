/** LayerNorm and its gradient, in closed form (Ba et al., arXiv 1607.06450). */
import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { mayDifferentiateTwice } from '../tfjs_internals';
import { type KernelDefinition, runKernelOrForm } from './kernel';

/**
 * gamma (x - mean) / sqrt(variance + epsilon) + beta, with mean and biased variance over the last axis. Inputs: x `[...,
 * channels]`, gamma, beta `[channels]`. Output: y, shaped as x. Only backends with a native kernel run it.
 */
export const LayerNorm = 'LayerNorm';

/** The gradient of LayerNorm. Inputs: dy, x, gamma. Outputs: dx, dgamma, dbeta. */
export const LayerNormGrad = 'LayerNormGrad';

/** LayerNorm of x + bias, with bias `[channels]` as one more input: of a linear map without its own. */
export const BiasLayerNorm = 'BiasLayerNorm';

/** The gradient of BiasLayerNorm. Inputs: dy, x, gamma, bias. Outputs: dx, dgamma, dbeta, dbias. */
export const BiasLayerNormGrad = 'BiasLayerNormGrad';

export interface LayerNormAttrs {
  epsilon: number;
}

export interface LayerNormInputs extends NamedTensorInfoMap {
  x: TensorInfo;
  gamma: TensorInfo;
  beta: TensorInfo;
  /** Of BiasLayerNorm. */
  bias?: TensorInfo;
}

export interface LayerNormGradInputs extends NamedTensorInfoMap {
  dy: TensorInfo;
  x: TensorInfo;
  gamma: TensorInfo;
  /** Of BiasLayerNormGrad. */
  bias?: TensorInfo;
}

/** xhat = (x - mean) rstd and rstd = 1 / sqrt(variance + epsilon), for each row of `[rows, channels]`. */
function standardize(x: tf.Tensor, epsilon: number): [xhat: tf.Tensor, rstd: tf.Tensor] {
  const centered = x.sub(x.mean(-1, true));
  // Not rsqrt: TensorFlow rounds the last few rows otherwise than the rest.
  const rstd = tf.div(1, centered.square().mean(-1, true).add(epsilon).sqrt()) as tf.Tensor;
  return [centered.mul(rstd), rstd];
}

/** dx = rstd (d - mean(d) - xhat mean(d xhat)) with d = dy gamma; dgamma and dbeta are sums over rows. */
function layerNormGrad(
  dy: tf.Tensor,
  [xhat, rstd, gamma]: [tf.Tensor, tf.Tensor, tf.Tensor],
): tf.Tensor[] {
  const d = dy.mul(gamma);
  const dx = d
    .sub(d.mean(-1, true))
    .sub(xhat.mul(d.mul(xhat).mean(-1, true)))
    .mul(rstd);
  return [dx, dy.mul(xhat).sum(0), dy.sum(0)];
}

const closedForm = (epsilon: number) =>
  tf.customGrad((...args) => {
    const [x, gamma, beta, save] = args as [
      ...tensors: [tf.Tensor, tf.Tensor, tf.Tensor],
      save: tf.GradSaveFunc,
    ];
    const [xhat, rstd] = standardize(x, epsilon);
    save([xhat, rstd, gamma]);
    return {
      value: xhat.mul(gamma).add(beta),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        layerNormGrad(dy, saved as [tf.Tensor, tf.Tensor, tf.Tensor]),
    };
  });

/** The stock ops that LayerNorm stands for. */
export function layerNorm(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon }: LayerNormAttrs,
): tf.Tensor {
  return tf.tidy(() => {
    const rows = x.reshape([-1, gamma.size]);
    const y = mayDifferentiateTwice()
      ? standardize(rows, epsilon)[0].mul(gamma).add(beta)
      : closedForm(epsilon)(rows, gamma, beta);
    return y.reshape(x.shape);
  });
}

const definition: KernelDefinition = {
  name: LayerNorm,
  standsFor: ({ x, gamma, beta }, attrs: LayerNormAttrs) => layerNorm(x!, gamma!, beta!, attrs),
  gradient: { kernel: LayerNormGrad, inputs: ['x', 'gamma'], of: ['x', 'gamma', 'beta'] },
};

const biased: KernelDefinition = {
  name: BiasLayerNorm,
  standsFor: ({ x, gamma, beta, bias }, attrs: LayerNormAttrs) =>
    runKernelOrForm(definition, { x: x!.add(bias!), gamma: gamma!, beta: beta! }, attrs),
  gradient: {
    kernel: BiasLayerNormGrad,
    inputs: ['x', 'gamma', 'bias'],
    of: ['x', 'gamma', 'beta', 'bias'],
  },
};

const once = {
  what: 'layerNorm',
  why: 'it was computed outside the function to differentiate',
};

export const layerNormDefinitions: KernelDefinition[] = [
  definition,
  { name: LayerNormGrad, once },
  biased,
  { name: BiasLayerNormGrad, once },
];

export function runLayerNorm(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  attrs: LayerNormAttrs,
  bias?: tf.Tensor,
): tf.Tensor {
  return bias
    ? runKernelOrForm(biased, { x, gamma, beta, bias }, attrs)
    : runKernelOrForm(definition, { x, gamma, beta }, attrs);
}
