/** A teacher: a trained network that runs on the student's batches, and that a loss compares the student with. */
import * as tf from '@tensorflow/tfjs';
import { installKernels } from '../lib/kernels';
import { checkKeys, invalid } from '../lib/validate';
import { forwardOf, layerOutput } from './forward';
import type { Position } from './observer';

/** A teacher's outputs for a batch. */
export interface TeacherOutputs {
  /** `[batch, classes]`, before any softmax. */
  logits: tf.Tensor;
  /** `[batch, channels]`: a layer's outputs, averaged over all axes in between. */
  features?: tf.Tensor;
}

/** Identifies a batch, so that outputs can be kept. */
export interface TeacherBatch {
  at: Pick<Position, 'epoch' | 'batch'>;
  /** The index in the data set of each sample. */
  indices?: Int32Array;
}

/** A trained network that a student learns from, as the Trainer runs it. */
export interface Teacher {
  /** Channels of its features; undefined if it returns none. */
  readonly channels?: number;
  /** Its outputs for a batch as the student gets it, after augmentation. The caller disposes of them. */
  outputs(x: tf.Tensor, batch: TeacherBatch): TeacherOutputs | Promise<TeacherOutputs>;
  /** Saves what it keeps outside the process. Called before each checkpoint and at the end. */
  flush?(): Promise<void>;
}

/** Options of `modelTeacher`. */
export interface TeacherOptions {
  /** The layer, or node of a graph model, whose outputs are features. Default none. */
  featuresOf?: string;
  /**
   * Whether the model returns probabilities, whose logarithms then serve as logits; a probability of 0 counts as
   * float32's smallest normal number. Default: whether a layers model ends in a softmax; false for a graph model.
   */
  probabilities?: boolean;
}

/** float32's smallest normal number. */
const SMALLEST = 2 ** -126;

/**
 * A model as a teacher, run in inference. The caller keeps it, and nothing of it is trained.
 *
 * ```ts
 * const teacher = modelTeacher(await tf.loadLayersModel('file://teacher/model.json'));
 * const trainer = new Trainer({ model, optimizer, schedule, train, loss, teacher });
 * ```
 */
export function modelTeacher(
  model: tf.LayersModel | tf.GraphModel,
  options: TeacherOptions = {},
): Teacher {
  checkKeys('modelTeacher', options, ['featuresOf', 'probabilities']);
  const { featuresOf, probabilities = endsInSoftmax(model) } = options;
  const run = 'layers' in model ? runLayers(model, featuresOf) : runGraph(model, featuresOf);
  const expected = model.inputs[0]!.shape?.slice(1);
  const channels = featuresOf === undefined ? undefined : channelsOf(model, featuresOf, run);
  return {
    ...(channels !== undefined && { channels }),
    outputs(x) {
      installKernels(); // So that its first answer has the same bits as later ones.
      const fits = expected?.every(
        (size, i) => size === null || size < 0 || size === x.shape[i + 1],
      );
      if (expected && !(fits && expected.length === x.rank - 1)) {
        throw invalid('the teacher', `a model for samples [${x.shape.slice(1)}]`, expected);
      }
      return tf.tidy(() => {
        const { logits: answer, features } = run(x);
        if (answer.rank !== 2 || answer.shape[0] !== x.shape[0]) {
          throw invalid("the teacher's answer", '[batch, classes]', answer.shape);
        }
        const logits = probabilities ? answer.maximum(SMALLEST).log() : answer;
        return { logits, ...(features && { features: channelMeans(features) }) };
      });
    },
  };
}

type Run = (x: tf.Tensor) => { logits: tf.Tensor; features?: tf.Tensor };

function runLayers(model: tf.LayersModel, featuresOf?: string): Run {
  const forward = forwardOf(model, featuresOf === undefined ? {} : { featuresOf });
  return (x) => forward(x, false);
}

function runGraph(model: tf.GraphModel, featuresOf?: string): Run {
  const names = [model.outputs[0]!.name, ...(featuresOf === undefined ? [] : [featuresOf])];
  return (x) => {
    const [logits, features] = [model.execute(x, names)].flat() as tf.Tensor[];
    return { logits: logits!, ...(features && { features }) };
  };
}

/** For a graph model, found by a run on one sample of zeros: its nodes have no known shapes. */
function channelsOf(
  model: tf.LayersModel | tf.GraphModel,
  featuresOf: string,
  run: Run,
): number | undefined {
  if ('layers' in model) return layerOutput(model, featuresOf).shape.at(-1) ?? undefined;
  const shape = model.inputs[0]!.shape?.slice(1);
  if (!shape?.every((size) => size > 0)) return undefined;
  return tf.tidy(() => run(tf.zeros([1, ...shape])).features!.shape.at(-1)!);
}

function endsInSoftmax(model: tf.LayersModel | tf.GraphModel): boolean {
  if (!('layers' in model)) return false;
  const last = model.layers.at(-1)!;
  return last.getClassName() === 'Softmax' || last.getConfig().activation === 'softmax';
}

/** `[batch, ..., channels]` -> `[batch, channels]`. */
function channelMeans(features: tf.Tensor): tf.Tensor {
  if (features.rank < 2) throw invalid("the teacher's features", 'of channels', features.shape);
  return features.reshape([features.shape[0]!, -1, features.shape.at(-1)!]).mean(1);
}
