/** What a Trainer minimizes: a function of targets and logits, or a loss that takes more of a batch. */
import type * as tf from '@tensorflow/tfjs';
import type { ForwardOutputs, ForwardRequest } from './forward';
import type { Position } from './observer';
import type { TeacherOutputs } from './teacher';

/** What a loss is given: a batch's targets, and what one forward pass in training made of it. */
export interface LossBatch extends ForwardOutputs {
  /** `[batch, classes]`, rows that add up to 1. */
  targets: tf.Tensor;
  /** Of the Trainer's teacher, if it has one. */
  teacher?: TeacherOutputs;
  /** Which batch it is: what a loss draws must follow from it, so that a run resumes to the same bits. */
  at: Pick<Position, 'epoch' | 'batch'>;
}

/**
 * A loss with requests and variables of its own:
 *
 * ```ts
 * const loss: TrainingLoss = {
 *   perStep: true,
 *   compute: ({ targets, logitsPerStep }) => tetLoss(targets, logitsPerStep!),
 * };
 * ```
 */
export interface TrainingLoss extends ForwardRequest {
  /**
   * Trained along with the model's, by names that are the same in every process. Checkpoints keep them;
   * the model is saved without them.
   */
  readonly variables?: Readonly<Record<string, tf.Variable>>;
  /** A mean over the batch. Called within `tf.tidy`, once per batch. */
  compute(batch: LossBatch): tf.Scalar;
  /** Called with the Trainer's `dispose`. */
  dispose?(): void;
}

/** A function in tf.losses's order of arguments, both `[batch, classes]`. */
export type LossFunction = (targets: tf.Tensor, logits: tf.Tensor) => tf.Scalar;

export function asTrainingLoss(loss: LossFunction | TrainingLoss): TrainingLoss {
  if (typeof loss !== 'function') return loss;
  return { compute: ({ targets, logits }) => loss(targets, logits) };
}

/** The teacher's outputs, of a loss that cannot do without. */
export function teacherOf(outputs: TeacherOutputs | undefined): TeacherOutputs {
  if (outputs) return outputs;
  throw new Error(
    'This loss compares with a teacher: give the Trainer one, such as modelTeacher(m)',
  );
}
