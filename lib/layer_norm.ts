/**
 * Layer normalization of each token over its channels (Ba et al., arXiv 1607.06450), with its gradient in closed form.
 */
import * as tf from '@tensorflow/tfjs';
import { installKernels } from './kernels';
import { mayDifferentiateTwice } from './tfjs_internals';
import { checkPositive, invalid } from './validate';

/** Options of the function `layerNorm`. */
export interface LayerNormParams {
  /** Added to the variance. Default 1e-5, as in PyTorch; 1e-3 in tf.layers. */
  epsilon?: number;
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
  installKernels();
  return tf.tidy(() => {
    const rows = x.reshape([-1, channels]);
    const y = mayDifferentiateTwice()
      ? standardize(rows, epsilon)[0].mul(gamma).add(beta)
      : closedForm(epsilon)(rows, gamma, beta);
    return y.reshape(x.shape);
  });
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
