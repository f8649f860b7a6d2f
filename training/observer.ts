/** What a trainer tells whoever looks on: progress bars, metrics files, reports. */
import type * as tf from '@tensorflow/tfjs';

/** Where a run stands: exactly between two optimizer steps. */
export interface Position {
  /** From 0; the number of all epochs when done. */
  epoch: number;
  /** Batches of this epoch that have been learned from. */
  batch: number;
  /** Optimizer steps since the beginning. */
  step: number;
}

/** After an optimizer step. */
export interface StepReport extends Position {
  batchesPerEpoch: number;
  epochs: number;
  learningRate: number;
  /** Mean over the samples of this step. */
  loss: number;
  accuracy: number;
  samples: number;
  /** Over the epoch so far. */
  epochLoss: number;
  epochAccuracy: number;
}

/** After an epoch and its evaluation. Shares are from 0 to 1. */
export interface EpochReport {
  epoch: number;
  epochs: number;
  step: number;
  learningRate: number;
  trainLoss: number;
  trainAccuracy: number;
  testLoss: number | null;
  testAccuracy: number | null;
  testTop5: number | null;
  /** Of the moving average of the weights. */
  averageAccuracy: number | null;
  /** Share of neurons and steps that fired on a held-out batch, by layer path. */
  firingRates: Record<string, number>;
  dead: string[];
  saturated: string[];
  /** Of this process: an epoch that was resumed counts from there. */
  seconds: number;
  samplesPerSecond: number;
}

export interface RunStart {
  model: tf.LayersModel;
  position: Position;
  epochs: number;
  batchesPerEpoch: number;
  /** Epochs done before this process. */
  history: readonly EpochReport[];
}

/** Every method is optional; the trainer waits for what it returns. */
export interface TrainingObserver {
  onStart?(run: RunStart): void | Promise<void>;
  onStep?(report: StepReport): void | Promise<void>;
  /** While the epoch's evaluation runs. */
  onEvaluation?(done: number, total: number): void;
  onEpoch?(report: EpochReport): void | Promise<void>;
  /** When the run ends in whatever way, after the last checkpoint. */
  onEnd?(): void | Promise<void>;
}

/** An epoch's test accuracy: that of the average of the weights, if one is kept. Null without test data. */
export const accuracyOf = ({ averageAccuracy, testAccuracy }: EpochReport) =>
  averageAccuracy ?? testAccuracy;
