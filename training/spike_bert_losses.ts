/**
 * SpikeBERT's distillation from BERT in two stages (Lv et al., arXiv 2308.15122), as its authors' scripts compute it.
 */
import * as tf from '@tensorflow/tfjs';
import { applyTo } from '../layers/composite';
import type { SpikeBertTransform } from '../layers/spike_bert';
import { addAll } from '../lib/add_all';
import { invalid } from '../lib/validate';
import { softTargetCrossEntropy } from './losses';

/** The outputs of student and teacher that the losses compare. */
export interface SpikeBertOutputs {
  /** The table of token embeddings `[vocabSize, embedDim]`. */
  embeddings: tf.Tensor;
  /** From each block's transform, or each of the teacher's layers: `[batch, tokens, embedDim]`. */
  representations: readonly tf.Tensor[];
  /** `[batch, numClasses]`; undefined for a network without a classifier. */
  logits?: tf.Tensor;
}

/** Factors of the losses; the defaults are the published script's. */
export interface SpikeBertLossWeights {
  /** Default 0.1. */
  embeddings?: number;
  /** Default 0.1. */
  crossEntropy?: number;
  /** Default 1. */
  logits?: number;
  /** Default 0.1. */
  representations?: number;
}

/**
 * The outputs of a spikeBert model for ids `[batch, tokens]`, in one pass. Within `tf.variableGrads` all of its weights
 * have gradients.
 *
 * ```ts
 * const { grads } = tf.variableGrads(() =>
 *   spikeBertStageTwo(spikeBertOutputs(student, ids), teacher, targets).total);
 * ```
 *
 * @throws if the model is not a spikeBert
 */
export function spikeBertOutputs(
  model: tf.LayersModel,
  ids: tf.Tensor,
  { training = true }: { training?: boolean } = {},
): SpikeBertOutputs {
  const all = (className: string) =>
    model.layers.filter((layer) => layer.getClassName() === className);
  const [embedding] = all('TokenEmbedding');
  const transforms = all('SpikeBertTransform') as SpikeBertTransform[];
  if (!embedding || transforms.length === 0) {
    throw invalid(
      'model',
      'a model of models.spikeBert, with a TokenEmbedding and transforms',
      model.name,
    );
  }
  const taps = transforms.map((layer) => layer.output as tf.SymbolicTensor);
  const network = tf.model({ inputs: model.inputs, outputs: [...taps, model.outputs[0]!] });
  return tf.tidy(() => {
    const outputs = applyTo(network, ids, { training }) as unknown as tf.Tensor[];
    const representations = transforms.map((layer, i) => layer.represent(outputs[i]!));
    const classifies = model.layers.some(({ name }) => name === 'head');
    return {
      embeddings: embedding.weights[0]!.read(),
      representations,
      ...(classifies && { logits: outputs.at(-1)! }),
    };
  });
}

const meanSquare = (a: tf.Tensor, b: tf.Tensor) => a.sub(b).square().mean().asScalar();

/** The sum over blocks of mean squares, divided by the batch once more, as in the authors' scripts. */
function representationLoss(student: SpikeBertOutputs, teacher: SpikeBertOutputs): tf.Scalar {
  const [ours, theirs] = [student.representations, teacher.representations];
  const shapes = (list: readonly tf.Tensor[]) => list.map(({ shape }) => shape);
  if (JSON.stringify(shapes(ours)) !== JSON.stringify(shapes(theirs))) {
    throw invalid(
      'teacher.representations',
      `tensors of the student's shapes ${JSON.stringify(shapes(ours))}`,
      shapes(theirs),
    );
  }
  const losses = ours.map((x, i) => meanSquare(x, theirs[i]!));
  return addAll(losses).div(ours[0]!.shape[0]!).asScalar();
}

function checkEmbeddings(student: SpikeBertOutputs, teacher: SpikeBertOutputs): void {
  const [ours, theirs] = [student.embeddings.shape, teacher.embeddings.shape];
  if (ours.join() !== theirs.join()) {
    throw invalid('teacher.embeddings', `of the student's shape [${ours}]`, theirs);
  }
}

/**
 * The first stage, on text without labels: only the representations of all blocks, as the sum over blocks of
 * mean((student - teacher)^2), divided by the batch. `weight` scales it as in stage two; default 1.
 */
export function spikeBertStageOne(
  student: SpikeBertOutputs,
  teacher: SpikeBertOutputs,
  weight = 1,
): tf.Scalar {
  return tf.tidy(() => representationLoss(student, teacher).mul(weight).asScalar());
}

/** Each loss, unweighted, and their weighted sum. */
export interface SpikeBertStageTwo {
  total: tf.Scalar;
  embeddings: tf.Scalar;
  crossEntropy: tf.Scalar;
  logits: tf.Scalar;
  representations: tf.Scalar;
}

/**
 * The second stage, on the task: 0.1 mean((E - E')^2) of the embedding tables + 0.1 cross entropy + KL(teacher's answer
 * || student's), mean over the batch, without a temperature + 0.1 times the first stage's loss.
 *
 * @param targets `[batch, numClasses]`, each row adding up to 1.
 */
export function spikeBertStageTwo(
  student: SpikeBertOutputs,
  teacher: SpikeBertOutputs,
  targets: tf.Tensor,
  weights: SpikeBertLossWeights = {},
): SpikeBertStageTwo {
  const { embeddings = 0.1, crossEntropy = 0.1, logits = 1, representations = 0.1 } = weights;
  const [ours, theirs] = [student.logits, teacher.logits];
  if (!ours || ours.shape.join() !== theirs?.shape.join()) {
    throw invalid('teacher.logits', `of the student's shape [${ours?.shape}]`, theirs?.shape);
  }
  checkEmbeddings(student, teacher);
  return tf.tidy(() => {
    const [log, logTeacher] = [ours.logSoftmax(), theirs.logSoftmax()];
    const divergence = logTeacher.exp().mul(logTeacher.sub(log)).sum(-1).mean().asScalar();
    const losses = {
      embeddings: meanSquare(student.embeddings, teacher.embeddings),
      crossEntropy: softTargetCrossEntropy(targets, ours),
      logits: divergence,
      representations: representationLoss(student, teacher),
    };
    const total = tf
      .addN([
        losses.embeddings.mul(embeddings),
        losses.crossEntropy.mul(crossEntropy),
        losses.logits.mul(logits),
        losses.representations.mul(representations),
      ])
      .asScalar();
    return { total, ...losses };
  });
}
