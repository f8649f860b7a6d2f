/** Loss, number of correct answers and gradients of one batch, checked for NaN. */
import * as tf from '@tensorflow/tfjs';
import { type Precision, variableGradsIn } from '../lib/gradient_precision';
import { installKernels } from '../lib/kernels';
import { globalNorm } from './clip_gradients';
import type { Forward } from './forward';
import { allFinite, DivergedError, firstNonFinite } from './health';
import type { Teacher, TeacherBatch, TeacherOutputs } from './teacher';
import type { TrainingBatch } from './training_data';
import type { TrainingLoss } from './training_loss';

/** Everything that learns from a batch, and how. */
export interface Learner {
  model: tf.LayersModel;
  forward: Forward;
  loss: TrainingLoss;
  teacher?: Teacher;
  /** Of the gradients of inputs; checked by the trainer. */
  precision: Precision;
  /** The variables of the model and of the loss. */
  variables: tf.Variable[];
}

export interface BatchGradients {
  loss: number;
  right: number;
  /** By variable name; the caller disposes of them. */
  gradients: tf.NamedTensorMap;
}

/** @throws DivergedError if loss or gradients are not finite */
export async function batchGradients(
  learner: Learner,
  batch: TrainingBatch,
  at: TeacherBatch['at'],
): Promise<BatchGradients> {
  installKernels(); // Installed before the first operation: a resumed run then starts with the same kernels as it ended with.
  const { data, shape, targets, labels, indices } = batch;
  const x = tf.tensor(data, shape);
  const y = tf.tensor(targets, [labels.length, targets.length / labels.length]);
  let teacher: TeacherOutputs | undefined;
  let predictions: tf.Tensor | undefined;
  let [value, norm]: (tf.Scalar | undefined)[] = [];
  try {
    teacher = await learner.teacher?.outputs(x, { at, ...(indices && { indices }) });
    const result = variableGradsIn(
      learner.precision,
      () => {
        const outputs = learner.forward(x, true);
        predictions = tf.keep(outputs.logits.argMax(-1));
        return learner.loss.compute({ ...outputs, targets: y, at, ...(teacher && { teacher }) });
      },
      learner.variables,
    );
    const gradients = result.grads;
    value = result.value;
    norm = globalNorm(gradients);
    const [loss] = await value.data();
    const predicted = await predictions!.data();
    if (!Number.isFinite(loss) || !Number.isFinite((await norm.data())[0])) {
      const isTaught = teacher && !Object.values(teacher).every(allFinite);
      const where = isTaught
        ? "the teacher's outputs"
        : (firstNonFinite(learner.model, x, gradients) ?? 'the loss itself');
      tf.dispose(gradients);
      throw new DivergedError(`training diverged: NaN or Infinity in ${where}`);
    }
    const right = labels.filter((label, i) => label === predicted[i]).length;
    return { loss: loss!, right, gradients };
  } finally {
    tf.dispose([x, y, teacher && { ...teacher }, value, predictions, norm] as tf.TensorContainer[]);
  }
}
