/** What a training loop eats: batches ready for the network, the same for one seed, epoch and index. */
import type * as tf from '@tensorflow/tfjs';

/** Samples ready for the network, with what it should say. */
export interface TrainingBatch {
  data: Float32Array;
  /** `[batch, ...input]` */
  shape: number[];
  /** Classes, of mixed samples those that they were before. */
  labels: Int32Array;
  /** `[batch, numClasses]`, rows that add up to 1. */
  targets: Float32Array;
  /** Where in the data set each sample came from: a teacher's outputs may be kept by it. */
  indices?: Int32Array;
}

export interface TrainingData {
  readonly classNames: readonly string[];
  /** How many batches an epoch has. */
  readonly batchesPerEpoch: number;
  readonly batchSize: number;
  /**
   * The batches of an epoch from index `start` on. Batch i of an epoch is the same whenever it is
   * asked for: that is what lets a killed run go on exactly.
   */
  batches(epoch: number, start: number): AsyncIterable<TrainingBatch>;
  /** Of those one in `every`, without making the others: see DataParallel. Default: the others are made and left out. */
  dealt?(epoch: number, start: number, every: number): AsyncIterable<TrainingBatch>;
}

/** Samples to measure with: each once, in order. */
export interface EvaluationData {
  readonly classNames: readonly string[];
  readonly length: number;
  batches(): AsyncIterable<TrainingBatch>;
  /** Of those from index `start` on one in `every`, without making the others. */
  dealt?(start: number, every: number): AsyncIterable<TrainingBatch>;
}

/** The one output of a classifier. */
export function logitsOf(model: tf.LayersModel, x: tf.Tensor, training: boolean): tf.Tensor {
  return model.apply(x, { training }) as tf.Tensor;
}
