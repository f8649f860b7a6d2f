/**
 * The training loop. After every epoch it reports to observers and saves a checkpoint; it leaks no tensor. A run is
 * determined by its `position`, weights and optimizer.
 */
import * as tf from '@tensorflow/tfjs';
import { checkPositive, checkPositiveInteger } from '../lib/validate';
import { GradientAccumulator } from './accumulate_gradients';
import type { AdamW } from './adamw';
import { batchGradients, type Learner } from './batch_gradients';
import { clipByGlobalNorm } from './clip_gradients';
import { DataParallel } from './data_parallel';
import { type Evaluation, evaluate } from './evaluation';
import { forwardOf } from './forward';
import { DivergedError, healthOn } from './health';
import { softTargetCrossEntropy } from './losses';
import type { EpochReport, StepReport, TrainingObserver } from './observer';
import { checkPrecision } from './precision';
import { noSums, type Progress } from './progress';
import type { TrainerConfig } from './trainer_config';
import type { TrainingBatch } from './training_data';
import { asTrainingLoss, type TrainingLoss } from './training_loss';
import { WeightAverage } from './weight_average';

/** A signal ended the run; its state has been saved. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/**
 * Trains a model, epoch by epoch.
 *
 * ```ts
 * const trainer = new Trainer({ model, optimizer: adamW(), schedule, train, test });
 * for await (const { epoch, testAccuracy } of trainer.run()) console.log(epoch, testAccuracy);
 * trainer.dispose();
 * ```
 *
 * The caller keeps model and teacher; `dispose` disposes of optimizer, average and loss.
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
  /** The processes that train together, or only this one. */
  private readonly crew: DataParallel;
  /** Batches per optimizer step, over all processes. */
  private readonly stride: number;
  /** Sums since the last step, in this process. */
  private recent = noSums();

  constructor(readonly config: TrainerConfig) {
    const { model, optimizer, schedule, accumulate = 1, clipNorm, averageDecay, train } = config;
    const { precision = 'float32' } = config;
    checkPositiveInteger('accumulate', accumulate);
    if (clipNorm !== undefined) checkPositive('clipNorm', clipNorm);
    checkPrecision(precision);
    this.epochs = config.epochs ?? schedule.totalEpochs;
    checkPositiveInteger('epochs', this.epochs);
    this.crew = new DataParallel(config.ranks);
    this.stride = accumulate * this.crew.size;
    checkPositiveInteger('batchesPerEpoch', Math.floor(train.batchesPerEpoch / this.stride));
    this.model = model;
    this.optimizer = optimizer;
    this.loss = asTrainingLoss(config.loss ?? softTargetCrossEntropy);
    this.learner = {
      model,
      forward: forwardOf(model, this.loss),
      loss: this.loss,
      precision,
      ...(config.teacher && { teacher: config.teacher }),
      variables: [
        ...model.trainableWeights.map((weight) => weight.read() as tf.Variable),
        ...Object.values(this.loss.variables ?? {}),
      ],
    };
    if (averageDecay !== undefined) this.average = new WeightAverage(model, averageDecay);
  }

  /** Batches per epoch that form whole optimizer steps, over all processes. */
  get batchesPerEpoch(): number {
    const { batchesPerEpoch } = this.config.train;
    return batchesPerEpoch - (batchesPerEpoch % this.stride);
  }

  /**
   * Trains from `progress` to the last epoch.
   *
   * @throws InterruptedError, DivergedError
   */
  async *run(): AsyncGenerator<EpochReport, void> {
    const { epochs, batchesPerEpoch, model } = this;
    const { position, history } = this.progress;
    const start = { model, position: { ...position }, epochs, batchesPerEpoch, history };
    try {
      await this.tell('onStart', start);
      while (this.progress.position.epoch < epochs) yield await this.runEpoch();
    } finally {
      this.accumulator.dispose();
      if (this.crew.isFirst) {
        for (const observer of this.config.observers ?? []) await observer.onEnd?.();
      }
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
      for await (const batch of this.crew.share(train, position.epoch, position.batch)) {
        await this.learn(batch);
        left -= this.crew.size;
        if (left === 0) break;
      }
      if (left > 0) throw new Error(`train.batches must yield ${left} more batches, but has ended`);
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

  /** One batch of this process; every `stride` batches of all processes make an optimizer step. */
  private async learn(batch: TrainingBatch): Promise<void> {
    const { position, sums } = this.progress;
    const { recent, crew } = this;
    const at = { epoch: position.epoch, batch: position.batch + crew.rank };
    const { loss, right, gradients } = await batchGradients(this.learner, batch, at);
    this.accumulator.add(gradients);
    const samples = batch.labels.length;
    recent.samples += samples;
    recent.loss += loss * samples;
    recent.right += right;
    position.batch += crew.size;
    if (position.batch % this.stride !== 0) return;
    await this.applyGradients();
    position.step++;
    this.recent = noSums();
    const stopped = Number(this.config.signal?.aborted ?? false);
    const own = [recent.samples, recent.loss, recent.right, stopped];
    const [all, allLoss, allRight, stop] = (await crew.total(own)) as [
      number,
      number,
      number,
      number,
    ];
    sums.samples += all;
    sums.loss += allLoss;
    sums.right += allRight;
    await this.tell('onStep', this.stepReport(allLoss / all, allRight / all, all));
    await tf.nextFrame(); // lets Ctrl-C through
    // Alone, it may have come with the last frame; several have agreed before.
    if (stop > 0 || (crew.size === 1 && this.config.signal?.aborted)) await this.interrupt();
    const { saveEverySteps } = this.config;
    if (saveEverySteps && position.step % saveEverySteps === 0) await this.save();
  }

  private async applyGradients(): Promise<void> {
    const { clipNorm } = this.config;
    const mean = await this.crew.meanGradients(this.accumulator.takeMean());
    tf.tidy(() => {
      const grads = clipNorm === undefined ? mean : clipByGlobalNorm(mean, clipNorm).clipped;
      this.optimizer.applyGradients(grads);
      tf.dispose(mean); // Kept, so that tidy does not dispose of them.
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
    await this.crew.meanStatistics(this.model, this.average);
    const health = test && (await healthOn(this.model, test));
    if (health?.collapsedAt) {
      throw new DivergedError(
        `the network gives every sample the same answer: it collapsed at ${health.collapsedAt}`,
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

  /** Of the model's weights and of their average. */
  private async evaluations(): Promise<[own?: Evaluation, average?: Evaluation]> {
    const { test, observers = [] } = this.config;
    const { crew } = this;
    if (!test) return [];
    const onProgress = (done: number) => {
      const all = Math.min(done * crew.size, test.length);
      if (!crew.isFirst) return;
      for (const observer of observers) observer.onEvaluation?.(all, test.length);
    };
    // If one of several processes stopped here, the others would wait forever: they stop after the next step.
    const signal = crew.size === 1 ? this.config.signal : undefined;
    const measure = () =>
      crew.evaluate(test, (share) => evaluate(this.model, share, { onProgress, signal }));
    try {
      return [await measure(), await this.average?.lend(measure)];
    } catch (error) {
      if (signal?.aborted) await this.interrupt();
      throw error;
    }
  }

  /** A checkpoint covers everything that the teacher has been asked so far. */
  private async save(): Promise<void> {
    await this.config.teacher?.flush?.();
    await this.crew.meanStatistics(this.model, this.average);
    if (this.crew.isFirst) await this.config.save?.(this);
    await this.crew.wait();
  }

  /** Saves and ends, either between two steps or with the epoch's evaluation still to do. */
  private async interrupt(): Promise<never> {
    await this.save();
    const { epoch, batch } = this.progress.position;
    throw new InterruptedError(`stopped in epoch ${epoch + 1} after batch ${batch}`);
  }

  private async tell<K extends 'onStart' | 'onStep' | 'onEpoch'>(
    event: K,
    report: Parameters<NonNullable<TrainingObserver[K]>>[0],
  ): Promise<void> {
    if (!this.crew.isFirst) return;
    for (const observer of this.config.observers ?? []) {
      await (observer[event] as ((r: typeof report) => void | Promise<void>) | undefined)?.call(
        observer,
        report,
      );
    }
  }

  /**
   * Frees the optimizer's moments, the weight average, the accumulated gradients and the loss's variables; the model
   * stays.
   */
  dispose(): void {
    this.accumulator.dispose();
    this.average?.dispose();
    this.optimizer.dispose();
    this.loss.dispose?.();
  }
}
