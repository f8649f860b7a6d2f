/** The configuration of a Trainer. */
import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../lib/gradient_precision';
import type { AdamW } from './adamw';
import type { LearningRateSchedule } from './cosine_schedule';
import type { TrainingObserver } from './observer';
import type { Ranks } from './ranks';
import type { Teacher } from './teacher';
import type { Trainer } from './trainer';
import type { EvaluationData, TrainingData } from './training_data';
import type { LossFunction, TrainingLoss } from './training_loss';

/** What a `Trainer` trains, on what, and how. */
export interface TrainerConfig {
  model: tf.LayersModel;
  optimizer: AdamW;
  schedule: LearningRateSchedule;
  train: TrainingData;
  /**
   * What to minimize. Default softTargetCrossEntropy. The evaluation's loss is always the cross entropy with the
   * labels.
   */
  loss?: LossFunction | TrainingLoss;
  /** Runs on each batch; the loss receives its outputs. Default none. */
  teacher?: Teacher;
  /** Evaluated after every epoch; firing rates are measured on its first samples. */
  test?: EvaluationData;
  /** Default: all epochs of the schedule. */
  epochs?: number;
  /** Batches per optimizer step. Default 1. */
  accumulate?: number;
  /** Largest global norm of the gradients. Default: no clipping. */
  clipNorm?: number;
  /** Decay of a moving average of the weights. Default: no average. */
  averageDecay?: number;
  /**
   * In what the gradients with respect to the inputs of convolutions and linear maps are computed, and on a processor
   * with AMX those of filters whose inputs are spikes. `bfloat16` rounds their factors to 8 significant bits and sums in
   * float32; the forward pass and all other gradients stay in float32. It needs the backend tensorflow with the native
   * ops, on a processor with AMX or AVX512-BF16. Default 'float32'.
   */
  precision?: Precision;
  observers?: readonly TrainingObserver[];
  /** Saves the run; called between steps. */
  save?: (trainer: Trainer) => Promise<void>;
  /** Optimizer steps between saves within an epoch. Default: saves after epochs only. */
  saveEverySteps?: number;
  /** Ends the run after the current step, with a save. */
  signal?: AbortSignal;
  /**
   * The processes that train this model together; only the first one's observers and `save` are called. Default: this
   * one alone.
   */
  ranks?: Ranks;
}
