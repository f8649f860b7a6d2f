/** Layer normalization of each token over its channels (Ba et al., arXiv 1607.06450). */
import type * as tf from '@tensorflow/tfjs';
import { runLayerNorm } from './kernels';
import { checkPositive, invalid } from './validate';

/** Options of the function `layerNorm`. */
export interface LayerNormParams {
  /** Added to the variance. Default 1e-5, as in PyTorch; 1e-3 in tf.layers. */
  epsilon?: number;
}

/**
 * gamma (x - mean) / sqrt(variance + epsilon) + beta, with mean and biased variance over the last axis. It uses no
 * batch statistics, and is the same in training and at inference.
 * @param x float32 `[..., channels]`.
 * @param gamma,beta `[channels]`.
 */
export function layerNorm(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon = 1e-5 }: LayerNormParams = {},
): tf.Tensor {
  checkPositive('epsilon', epsilon);
  if (x.rank < 2) throw invalid('x', 'of shape [..., channels]', x.shape);
  if (x.dtype !== 'float32') throw invalid('x', 'of dtype float32', x.dtype);
  const channels = x.shape.at(-1)!;
  for (const [name, { shape }] of Object.entries({ gamma, beta })) {
    if (shape.join() !== `${channels}`) {
      throw invalid(name, `of shape [${channels}], one number per channel of x`, shape);
    }
  }
  return runLayerNorm(x, gamma, beta, { epsilon });
}

/** `layerNorm` of x + bias, for an x that does not include the bias `[channels]` of the map before it. */
export function biasLayerNorm(
  x: tf.Tensor,
  bias: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  return runLayerNorm(x, gamma, beta, { epsilon }, bias);
}
