/**
 * Weighted soft labels (Zhou et al., arXiv 2102.00650), as BKDSNN (Xu et al., arXiv 2407.09083) uses them: the teacher
 * counts more for samples on which it is ahead of the student.
 */
import * as tf from '@tensorflow/tfjs';
import { checkPositive } from '../lib/validate';
import { checkTeacherLogits } from './soft_labels';

/** Guards against a teacher whose loss is zero. */
const EPSILON = 1e-7;

/**
 * With CE(y, z) the cross entropy of targets y and logits z of one sample:
 *
 *   weight = 1 - exp(-CE(targets, logits) / (CE(targets, teacherLogits) + 1e-7))
 *   loss = temperature^2 mean over the batch of
 *          weight CE(softmax(teacherLogits / temperature), logits / temperature)
 *
 * All are `[batch, classes]`. No gradient goes through the weights or to the teacher.
 */
export function weightedSoftLabelLoss(
  targets: tf.Tensor,
  logits: tf.Tensor,
  teacherLogits: tf.Tensor,
  temperature = 2,
): tf.Scalar {
  checkTeacherLogits(teacherLogits, logits);
  checkPositive('temperature', temperature);
  const weighted = tf.customGrad((z) => {
    const student = z as tf.Tensor;
    const behind = crossEntropies(targets, student).div(
      crossEntropies(targets, teacherLogits).add(EPSILON),
    );
    return { value: tf.sub(1, behind.neg().exp()), gradFunc: () => tf.zerosLike(student) };
  });
  return tf.tidy(() => {
    const soft = teacherLogits.div(temperature).softmax();
    const losses = crossEntropies(soft, logits.div(temperature));
    return weighted(logits)
      .mul(losses)
      .mean()
      .mul(temperature ** 2)
      .asScalar();
  });
}

/** For each sample, `[batch]`. */
function crossEntropies(targets: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  return targets.mul(logits.logSoftmax()).sum(-1).neg();
}
