/** Scales the gradients of all variables together, as torch.nn.utils.clip_grad_norm_ does. */
import * as tf from '@tensorflow/tfjs';
import { addAll } from '../lib/add_all';
import { checkPositive } from '../lib/validate';

/** The length of all gradients as one vector: sqrt(sum of squares), a scalar that the caller disposes of. */
export function globalNorm(gradients: tf.NamedTensorMap): tf.Scalar {
  return tf.tidy(() => {
    const squares = Object.values(gradients).map((g) => g.square().sum());
    return addAll(squares).sqrt().asScalar();
  });
}

/**
 * If the global norm exceeds `maxNorm`, multiplies every gradient by maxNorm / (norm + 1e-6). Returns new tensors and
 * the norm before clipping; the caller disposes of them.
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
