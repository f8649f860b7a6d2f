/**
 * The training loop: epochs one by one, each told to observers and kept in a checkpoint, and every
 * tensor given back. All that a run is follows from its `position`, weights and optimizer.
 */
import * as tf from '@tensorflow/tfjs';
import { checkPositive, checkPositiveInteger } from '../lib/validate';
import { GradientAccumulator } from './accumulate_gradients';
import type { AdamW } from './adamw';
import { batchGradients, type Learner } from './batch_gradients';
import { clipByGlobalNorm } from './clip_gradients';
import type { LearningRateSchedule } from './cosine_schedule';
import { type Evaluation, evaluate } from './evaluation';
import { forwardOf } from './forward';
import { DivergedError, healthOn } from './health';
import { softTargetCrossEntropy } from './losses';
import type { EpochReport, StepReport, TrainingObserver } from './observer';
import { noSums, type Progress } from './progress';
import type { Teacher } from './teacher';
import type { EvaluationData, TrainingBatch, TrainingData } from './training_data';
import { asTrainingLoss, type LossFunction, type TrainingLoss } from './training_loss';
import { WeightAverage } from './weight_average';

export interface TrainerConfig {
  model: tf.LayersModel;
  optimizer: AdamW;
  schedule: LearningRateSchedule;
  train: TrainingData;
  /**
   * What is minimized. Default softTargetCrossEntropy. The evaluation's loss is always the cross
   * entropy with the labels.
   */
  loss?: LossFunction | TrainingLoss;
  /** Run on each batch; the loss gets its outputs. Default none. */
  teacher?: Teacher;
  /** Evaluated on after every epoch; firing rates are those of its first samples. */
  test?: EvaluationData;
  /** Default: all of the schedule. */
  epochs?: number;
  /** Batches to an optimizer step. Default 1. */
  accumulate?: number;
  /** Largest global norm of the gradients. Default: no clipping. */
  clipNorm?: number;
  /** Of a moving average of the weights. Default: none. */
  averageDecay?: number;
  observers?: readonly TrainingObserver[];
  /** Keeps the run; called between steps. */
  save?: (trainer: Trainer) => Promise<void>;
  /** Optimizer steps between saves within an epoch. Default: saves after epochs only. */
  saveEverySteps?: number;
  /** Ends the run after the current step, with a save. */
  signal?: AbortSignal;
}

/** The signal ended the run; its state has been saved. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/**
 * ```ts
 * const trainer = new Trainer({ model, optimizer: adamW(), schedule, train, test });
 * for await (const { epoch, testAccuracy } of trainer.run()) console.log(epoch, testAccuracy);
 * trainer.dispose();
 * ```
 * Model and teacher are the caller's; optimizer, average and loss are disposed of with the trainer.
 */
export class Trainer {
  readonly model: tf.LayersModel;
  readonly optimizer: AdamW;
  readonly average?: WeightAverage;
  readonly loss: TrainingLoss;
  readonly epochs: number;
  progress: Progress = { position: { epoch: 0, batch: 0, step: 0 }, sums: noSums(), history: [] };
  /** The last epoch's evaluation, with its confusion matrix. */
  lastEvaluation?: Evaluation;
  private readonly learner: Learner;
  private readonly accumulator = new GradientAccumulator();
  private readonly accumulate: number;

  constructor(readonly config: TrainerConfig) {
    const { model, optimizer, schedule, accumulate = 1, clipNorm, averageDecay, train } = config;
    checkPositiveInteger('accumulate', accumulate);
    if (clipNorm !== undefined) checkPositive('clipNorm', clipNorm);
    this.epochs = config.epochs ?? schedule.totalEpochs;
    checkPositiveInteger('epochs', this.epochs);
    checkPositiveInteger('batchesPerEpoch', Math.floor(train.batchesPerEpoch / accumulate));
    this.model = model;
    this.optimizer = optimizer;
    this.accumulate = accumulate;
    this.loss = asTrainingLoss(config.loss ?? softTargetCrossEntropy);
    this.learner = {
      model,
      forward: forwardOf(model, this.loss),
      loss: this.loss,
      ...(config.teacher && { teacher: config.teacher }),
      variables: [
        ...model.trainableWeights.map((weight) => weight.read() as tf.Variable),
        ...Object.values(this.loss.variables ?? {}),
      ],
    };
    if (averageDecay !== undefined) this.average = new WeightAverage(model, averageDecay);
  }

  /** Batches of an epoch that make whole optimizer steps. */
  get batchesPerEpoch(): number {
    const { batchesPerEpoch } = this.config.train;
    return batchesPerEpoch - (batchesPerEpoch % this.accumulate);
  }

  /** From where `progress` stands to the last epoch. @throws InterruptedError, DivergedError */
  async *run(): AsyncGenerator<EpochReport, void> {
    const { epochs, batchesPerEpoch, model } = this;
    const { position, history } = this.progress;
    const start = { model, position: { ...position }, epochs, batchesPerEpoch, history };
    try {
      await this.tell('onStart', start);
      while (this.progress.position.epoch < epochs) yield await this.runEpoch();
    } finally {
      this.accumulator.dispose();
      for (const observer of this.config.observers ?? []) await observer.onEnd?.();
      await this.config.teacher?.flush?.();
    }
  }

  private async runEpoch(): Promise<EpochReport> {
    const { position, sums, history } = this.progress;
    const { schedule, train } = this.config;
    const began = performance.now();
    const before = sums.samples;
    this.optimizer.learningRate = schedule.at(position.epoch);
    if (position.batch < this.batchesPerEpoch) {
      let left = this.batchesPerEpoch - position.batch;
      for await (const batch of train.batches(position.epoch, position.batch)) {
        await this.learn(batch);
        if (--left === 0) break;
      }
      if (left > 0) throw new Error(`train.batches must give ${left} more batches, but has ended`);
    }
    const seconds = (performance.now() - began) / 1000;
    const report = await this.closeEpoch(seconds, sums.samples - before);
    history.push(report);
    this.progress.position = { epoch: position.epoch + 1, batch: 0, step: position.step };
    this.progress.sums = noSums();
    await this.save();
    await this.tell('onEpoch', report);
    return report;
  }

  /** One batch; every `accumulate` of them an optimizer step. */
  private async learn(batch: TrainingBatch): Promise<void> {
    const { position, sums } = this.progress;
    const { loss, right, gradients } = await batchGradients(this.learner, batch, position);
    this.accumulator.add(gradients);
    const samples = batch.labels.length;
    sums.samples += samples;
    sums.loss += loss * samples;
    sums.right += right;
    position.batch++;
    if (position.batch % this.accumulate !== 0) return;
    this.applyGradients();
    position.step++;
    await this.tell('onStep', this.stepReport(loss, right / samples, samples * this.accumulate));
    await tf.nextFrame(); // lets Ctrl-C through
    if (this.config.signal?.aborted) await this.interrupt();
    const { saveEverySteps } = this.config;
    if (saveEverySteps && position.step % saveEverySteps === 0) await this.save();
  }

  private applyGradients(): void {
    const { clipNorm } = this.config;
    tf.tidy(() => {
      const mean = this.accumulator.takeMean();
      const grads = clipNorm === undefined ? mean : clipByGlobalNorm(mean, clipNorm).clipped;
      this.optimizer.applyGradients(grads);
      tf.dispose(mean); // kept, so that tidy leaves them
    });
    this.average?.update();
  }

  private stepReport(loss: number, accuracy: number, samples: number): StepReport {
    const { position, sums } = this.progress;
    return {
      ...position,
      batchesPerEpoch: this.batchesPerEpoch,
      epochs: this.epochs,
      learningRate: this.optimizer.learningRate,
      loss,
      accuracy,
      samples,
      epochLoss: sums.loss / sums.samples,
      epochAccuracy: sums.right / sums.samples,
    };
  }

  private async closeEpoch(seconds: number, samples: number): Promise<EpochReport> {
    const { position, sums } = this.progress;
    const { test } = this.config;
    const health = test && (await healthOn(this.model, test));
    if (health?.collapsedAt) {
      throw new DivergedError(
        `the network answers every sample alike: it collapsed at ${health.collapsedAt}`,
      );
    }
    const [own, average] = await this.evaluations();
    this.lastEvaluation = average ?? own;
    return {
      epoch: position.epoch,
      epochs: this.epochs,
      step: position.step,
      learningRate: this.optimizer.learningRate,
      trainLoss: sums.loss / sums.samples,
      trainAccuracy: sums.right / sums.samples,
      testLoss: own?.loss ?? null,
      testAccuracy: own?.accuracy ?? null,
      testTop5: own?.top5 ?? null,
      averageAccuracy: average?.accuracy ?? null,
      firingRates: Object.fromEntries(health?.rates ?? []),
      dead: health?.dead ?? [],
      saturated: health?.saturated ?? [],
      seconds,
      samplesPerSecond: seconds > 0 ? samples / seconds : 0,
    };
  }

  /** Of the model's own weights and of their average. */
  private async evaluations(): Promise<[own?: Evaluation, average?: Evaluation]> {
    const { test, signal, observers = [] } = this.config;
    if (!test) return [];
    const onProgress = (done: number) => {
      for (const observer of observers) observer.onEvaluation?.(done, test.length);
    };
    const measure = () => evaluate(this.model, test, { onProgress, signal });
    try {
      return [await measure(), await this.average?.lend(measure)];
    } catch (error) {
      if (signal?.aborted) await this.interrupt();
      throw error;
    }
  }

  /** A checkpoint stands for all that the teacher has been asked until then. */
  private async save(): Promise<void> {
    await this.config.teacher?.flush?.();
    await this.config.save?.(this);
  }

  /** Saves and ends: between two steps, or with the epoch's evaluation to be done anew. */
  private async interrupt(): Promise<never> {
    await this.save();
    const { epoch, batch } = this.progress.position;
    throw new InterruptedError(`stopped in epoch ${epoch + 1} after batch ${batch}`);
  }

  private async tell<K extends 'onStart' | 'onStep' | 'onEpoch'>(
    event: K,
    report: Parameters<NonNullable<TrainingObserver[K]>>[0],
  ): Promise<void> {
    for (const observer of this.config.observers ?? []) {
      await (observer[event] as ((r: typeof report) => void | Promise<void>) | undefined)?.call(
        observer,
        report,
      );
    }
  }

  dispose(): void {
    this.accumulator.dispose();
    this.average?.dispose();
    this.optimizer.dispose();
    this.loss.dispose?.();
  }
}
