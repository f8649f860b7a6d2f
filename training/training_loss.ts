/** What a Trainer minimizes: a function of targets and logits, or a loss that uses more of a batch. */
import type * as tf from '@tensorflow/tfjs';
import type { ForwardOutputs, ForwardRequest } from './forward';
import type { Position } from './observer';
import type { TeacherOutputs } from './teacher';

/** The input of a loss: a batch's targets, and the outputs of one forward pass in training. */
export interface LossBatch extends ForwardOutputs {
  /** `[batch, classes]`, with rows that add up to 1. */
  targets: tf.Tensor;
  /** The outputs of the Trainer's teacher, if it has one. */
  teacher?: TeacherOutputs;
  /** The batch's position. Random draws of a loss must depend on it, so that a run resumes to the same bits. */
  at: Pick<Position, 'epoch' | 'batch'>;
}

/**
 * A loss that can request more outputs and have variables:
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
   * Trained along with the model's variables, under names that are the same in every process. Checkpoints include them;
   * the saved model does not.
   */
  readonly variables?: Readonly<Record<string, tf.Variable>>;
  /** A mean over the batch. Called within `tf.tidy`, once per batch. */
  compute(batch: LossBatch): tf.Scalar;
  /** Called with the Trainer's `dispose`. */
  dispose?(): void;
}

/** A function with the arguments of tf.losses, both `[batch, classes]`. */
export type LossFunction = (targets: tf.Tensor, logits: tf.Tensor) => tf.Scalar;

export function asTrainingLoss(loss: LossFunction | TrainingLoss): TrainingLoss {
  if (typeof loss !== 'function') return loss;
  return { compute: ({ targets, logits }) => loss(targets, logits) };
}

/** The teacher's outputs, for a loss that requires them. */
export function teacherOf(outputs: TeacherOutputs | undefined): TeacherOutputs {
  if (outputs) return outputs;
  throw new Error('This loss needs a teacher: give the Trainer one, such as modelTeacher(m)');
}
