/** What one batch teaches: its loss, how many it got right, and the gradients, after a look for NaN. */
import * as tf from '@tensorflow/tfjs';
import { installKernels } from '../lib/kernels';
import { globalNorm } from './clip_gradients';
import type { Forward } from './forward';
import { allFinite, DivergedError, firstNonFinite } from './health';
import type { Teacher, TeacherBatch, TeacherOutputs } from './teacher';
import type { TrainingBatch } from './training_data';
import type { TrainingLoss } from './training_loss';

/** Everything that learns from a batch, or that it learns by. */
export interface Learner {
  model: tf.LayersModel;
  forward: Forward;
  loss: TrainingLoss;
  teacher?: Teacher;
  /** The model's and the loss's. */
  variables: tf.Variable[];
}

export interface BatchGradients {
  loss: number;
  right: number;
  /** By the variables' names; the caller's. */
  gradients: tf.NamedTensorMap;
}

/** @throws DivergedError if loss or gradients are not finite */
export async function batchGradients(
  learner: Learner,
  batch: TrainingBatch,
  at: TeacherBatch['at'],
): Promise<BatchGradients> {
  installKernels(); // before the first operation: a run that is resumed begins with those it ended with
  const { data, shape, targets, labels, indices } = batch;
  const x = tf.tensor(data, shape);
  const y = tf.tensor(targets, [labels.length, targets.length / labels.length]);
  let teacher: TeacherOutputs | undefined;
  let predictions: tf.Tensor | undefined;
  let [value, norm]: (tf.Scalar | undefined)[] = [];
  try {
    teacher = await learner.teacher?.outputs(x, { at, ...(indices && { indices }) });
    const result = tf.variableGrads(() => {
      const outputs = learner.forward(x, true);
      predictions = tf.keep(outputs.logits.argMax(-1));
      return learner.loss.compute({ ...outputs, targets: y, at, ...(teacher && { teacher }) });
    }, learner.variables);
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
      throw new DivergedError(`training diverged: a number that is none is in ${where}`);
    }
    const right = labels.filter((label, i) => label === predicted[i]).length;
    return { loss: loss!, right, gradients };
  } finally {
    tf.dispose([x, y, teacher && { ...teacher }, value, predictions, norm] as tf.TensorContainer[]);
  }
}
