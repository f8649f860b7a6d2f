/** Soft labels (Hinton et al., arXiv 1503.02531): the student learns the teacher's softened answer. */
import * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../lib/validate';

/** Default temperature of every distillation loss on softened logits. */
export const DEFAULT_TEMPERATURE = 4;

/**
 * loss = temperature^2 mean over the batch of KL(softmax(teacherLogits / temperature) || softmax(logits / temperature))
 *
 * Both are `[batch, classes]`; returns a scalar, and throws if the shapes differ. The square keeps the gradient's size
 * the same at every temperature. Only `logits` gets a gradient.
 */
export function softLabelLoss(
  logits: tf.Tensor,
  teacherLogits: tf.Tensor,
  temperature = DEFAULT_TEMPERATURE,
): tf.Scalar {
  checkTeacherLogits(teacherLogits, logits);
  checkPositive('temperature', temperature);
  return tf.tidy(() => {
    const divergence = softDivergence(teacherLogits, logits, temperature);
    return divergence
      .mean()
      .mul(temperature ** 2)
      .asScalar();
  });
}

/** KL(softmax(teacher / temperature) || softmax(student / temperature)) over the last axis; broadcasts. */
export function softDivergence(
  teacher: tf.Tensor,
  student: tf.Tensor,
  temperature: number,
): tf.Tensor {
  const [expected, found] = [teacher, student].map((x) => x.div(temperature).logSoftmax());
  return expected!.exp().mul(expected!.sub(found!)).sum(-1);
}

export function checkTeacherLogits({ shape }: tf.Tensor, logits: tf.Tensor): void {
  if (logits.rank !== 2 || !tf.util.arraysEqual(shape, logits.shape)) {
    throw invalid(
      'teacherLogits',
      `of the logits' shape [batch, classes], [${logits.shape}]`,
      shape,
    );
  }
}
