/** What a trainer reports to observers: progress bars, metrics files, reports. */
import type * as tf from '@tensorflow/tfjs';

/** The position of a run, always between two optimizer steps. */
export interface Position {
  /** From 0; equal to the number of epochs when done. */
  epoch: number;
  /** Batches of this epoch already learned from. */
  batch: number;
  /** Optimizer steps since the beginning. */
  step: number;
}

/** Reported after an optimizer step. */
export interface StepReport extends Position {
  batchesPerEpoch: number;
  epochs: number;
  learningRate: number;
  /** Mean over the samples of this step. */
  loss: number;
  accuracy: number;
  samples: number;
  /** Mean over the epoch so far. */
  epochLoss: number;
  epochAccuracy: number;
}

/** Reported after an epoch and its evaluation. Shares are from 0 to 1. */
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
  /** Accuracy of the moving average of the weights. */
  averageAccuracy: number | null;
  /** Share of neurons and steps that fired on a held-out batch, by layer path. */
  firingRates: Record<string, number>;
  dead: string[];
  saturated: string[];
  /** Measured in this process: a resumed epoch counts from there. */
  seconds: number;
  samplesPerSecond: number;
}

/** Where a run begins or resumes. */
export interface RunStart {
  model: tf.LayersModel;
  position: Position;
  epochs: number;
  batchesPerEpoch: number;
  /** Epochs done before this process. */
  history: readonly EpochReport[];
}

/** Every method is optional; the trainer awaits what it returns. */
export interface TrainingObserver {
  /** Called once, before the first step. */
  onStart?(run: RunStart): void | Promise<void>;
  /** Called after each step of the optimizer. */
  onStep?(report: StepReport): void | Promise<void>;
  /** Called while the epoch's evaluation runs. */
  onEvaluation?(done: number, total: number): void;
  /** Called after each epoch and its evaluation. */
  onEpoch?(report: EpochReport): void | Promise<void>;
  /** Called when the run ends for any reason, after the last checkpoint. */
  onEnd?(): void | Promise<void>;
}

/** An epoch's test accuracy: that of the weight average, if there is one. Null without test data. */
export const accuracyOf = ({ averageAccuracy, testAccuracy }: EpochReport) =>
  averageAccuracy ?? testAccuracy;
