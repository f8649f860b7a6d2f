/**
 * Classification by descriptions alone: compares an image's embedding with those of prompts (Radford et al., arXiv
 * 2103.00020).
 */
import * as tf from '@tensorflow/tfjs';
import { invalid } from '../lib/validate';

/** Each row scaled to length 1; a row of zeros stays zero, and has a gradient. */
export function unitRows(x: tf.Tensor): tf.Tensor {
  return x.div(x.square().sum(-1, true).maximum(1e-24).sqrt());
}

/**
 * One embedding per class from those of several prompts, such as "a photo of a {class}": `[classes, prompts, dim]` ->
 * `[classes, dim]`, the mean of their directions, scaled to length 1.
 *
 * ```ts
 * const prompts = tf.randomNormal([10, 3, 512]); // 3 prompts per class, from CLIP's text encoder or yours
 * const classes = spiking.models.classEmbeddings(prompts);
 * ```
 */
export function classEmbeddings(prompts: tf.Tensor): tf.Tensor2D {
  if (prompts.rank !== 3 || prompts.size === 0) {
    throw invalid('prompts', 'of shape [classes, prompts, dim]', prompts.shape);
  }
  return tf.tidy(() => unitRows(unitRows(prompts).mean(1)) as tf.Tensor2D);
}

/**
 * Cosines of images and classes, `[batch, classes]`: the largest is the answer. Both embeddings must be in the same
 * space: for example a spikeClipImage trained toward CLIP's, and CLIP's text encoder or a spikeClipText trained toward
 * it.
 *
 * ```ts
 * const features = model.predict(images) as tf.Tensor; // [batch, 512]
 * const answers = spiking.models.zeroShot(features, classes).argMax(1);
 * ```
 *
 * @param features `[batch, dim]`, rows of any length.
 * @param classes `[classes, dim]`, rows of any length.
 */
export function zeroShot(features: tf.Tensor, classes: tf.Tensor): tf.Tensor2D {
  if (features.rank !== 2) throw invalid('features', 'of shape [batch, dim]', features.shape);
  if (classes.rank !== 2 || classes.shape[1] !== features.shape[1]) {
    throw invalid('classes', `of shape [classes, ${features.shape[1]}]`, classes.shape);
  }
  return tf.tidy(() => {
    const [a, b] = [unitRows(features), unitRows(classes)] as [tf.Tensor2D, tf.Tensor2D];
    return tf.matMul(a, b, false, true);
  });
}
