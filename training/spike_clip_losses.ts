/**
 * SpikeCLIP's two losses (Lv et al., arXiv 2310.06488): first alignment with CLIP, then cross entropy together with
 * CLIP's answers.
 */
import * as tf from '@tensorflow/tfjs';
import { invalid } from '../lib/validate';
import { unitRows, zeroShot } from '../models/zero_shot';
import { softTargetCrossEntropy } from './losses';

function checkTeacher(features: tf.Tensor, teacher: tf.Tensor): void {
  if (features.shape.join() !== teacher.shape.join()) {
    throw invalid('teacher', `of the features' shape [${features.shape}]`, teacher.shape);
  }
}

/**
 * The mean over the batch of 1 - cosine of two embeddings `[batch, dim]`: the first loss to train the encoders with.
 */
export function spikeClipAlignment(features: tf.Tensor, teacher: tf.Tensor): tf.Scalar {
  checkTeacher(features, teacher);
  return tf.tidy(() => {
    const cosine = unitRows(features).mul(unitRows(teacher)).sum(-1);
    return cosine.mean().neg().add(1).asScalar();
  });
}

/** Each loss, and their sum. */
export interface SpikeClipDual {
  total: tf.Scalar;
  crossEntropy: tf.Scalar;
  divergence: tf.Scalar;
}

/**
 * Fine-tuning: cross entropy of the cosines with the classes, without a temperature, as the mean over the batch; plus
 * KL(softmax of the teacher's cosines || softmax of the student's), summed over batch and classes, as in the authors'
 * script.
 *
 * @param features The student's embeddings of images `[batch, dim]`.
 * @param teacher CLIP's embeddings of the same images.
 * @param classes `[classes, dim]`.
 * @param targets `[batch, classes]`, each row adding up to 1.
 */
export function spikeClipDual(
  features: tf.Tensor,
  teacher: tf.Tensor,
  classes: tf.Tensor,
  targets: tf.Tensor,
): SpikeClipDual {
  checkTeacher(features, teacher);
  return tf.tidy(() => {
    const [logits, teacherLogits] = [zeroShot(features, classes), zeroShot(teacher, classes)];
    const [log, logTeacher] = [logits.logSoftmax(), teacherLogits.logSoftmax()];
    const crossEntropy = softTargetCrossEntropy(targets, logits);
    const divergence = logTeacher.exp().mul(logTeacher.sub(log)).sum().asScalar();
    return { total: crossEntropy.add(divergence).asScalar(), crossEntropy, divergence };
  });
}
