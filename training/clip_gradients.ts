/** Gradients of all variables scaled together, as torch.nn.utils.clip_grad_norm_ does. */
import * as tf from '@tensorflow/tfjs';
import { checkPositive } from '../lib/validate';

/** The length of all gradients as one vector: sqrt(sum of squares), a scalar of the caller's. */
export function globalNorm(gradients: tf.NamedTensorMap): tf.Scalar {
  return tf.tidy(() => {
    const squares = Object.values(gradients).map((g) => g.square().sum());
    return tf.addN(squares).sqrt().asScalar();
  });
}

/**
 * Where the global norm exceeds `maxNorm`, every gradient times maxNorm / (norm + 1e-6); else as they
 * are. Returns new tensors and the norm before clipping, which the caller disposes of.
 *
 * ```ts
 * const { clipped, norm } = clipByGlobalNorm(grads, 1);
 * ```
 */
export function clipByGlobalNorm(
  gradients: tf.NamedTensorMap,
  maxNorm: number,
): { clipped: tf.NamedTensorMap; norm: tf.Scalar } {
  checkPositive('maxNorm', maxNorm);
  return tf.tidy(() => {
    const norm = globalNorm(gradients);
    const factor = tf.minimum(tf.scalar(maxNorm).div(norm.add(1e-6)), 1);
    const clipped = Object.entries(gradients).map(([name, g]) => [name, g.mul(factor)]);
    return { clipped: Object.fromEntries(clipped) as tf.NamedTensorMap, norm };
  });
}
