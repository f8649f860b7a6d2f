/** The input of a training loop: batches ready for the network, the same for the same seed, epoch and index. */
import type * as tf from '@tensorflow/tfjs';

/** Samples ready for the network, with their targets. */
export interface TrainingBatch {
  data: Float32Array;
  /** `[batch, ...input]` */
  shape: number[];
  /** Classes; for mixed samples, those before mixing. */
  labels: Int32Array;
  /** `[batch, numClasses]`, with rows that add up to 1. */
  targets: Float32Array;
  /** The index in the data set of each sample, under which a teacher's outputs may be kept. */
  indices?: Int32Array;
}

/** Samples to train on, batch by batch. */
export interface TrainingData {
  readonly classNames: readonly string[];
  /** The number of batches per epoch. */
  readonly batchesPerEpoch: number;
  readonly batchSize: number;
  /**
   * The batches of an epoch from index `start` on. Batch i of an epoch must always be the same: this lets a killed run
   * resume exactly.
   */
  batches(epoch: number, start: number): AsyncIterable<TrainingBatch>;
  /**
   * Every `every`-th of those, without making the others: see DataParallel. Default: the others are made and dropped.
   */
  dealt?(epoch: number, start: number, every: number): AsyncIterable<TrainingBatch>;
}

/** Samples to evaluate on: each once, in order. */
export interface EvaluationData {
  readonly classNames: readonly string[];
  readonly length: number;
  /** An epoch's batches, each sample once, in order. */
  batches(): AsyncIterable<TrainingBatch>;
  /** Every `every`-th sample from index `start` on, without making the others. */
  dealt?(start: number, every: number): AsyncIterable<TrainingBatch>;
}

/** The single output of a classifier. */
export function logitsOf(model: tf.LayersModel, x: tf.Tensor, training: boolean): tf.Tensor {
  return model.apply(x, { training }) as tf.Tensor;
}
