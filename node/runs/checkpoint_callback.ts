/** Checkpoints of `model.fit`: one after every epoch, from which another process can continue. */
import * as tf from '@tensorflow/tfjs';
import type { EpochReport } from '../../training/observer';
import type { Progress } from '../../training/progress';
import type { WeightAverage } from '../../training/weight_average';
import type { CheckpointStore } from './checkpoints';

/** Logs of `model.fit`; accuracies have tf.layers' names. */
interface Logs {
  [name: string]: number | undefined;
}
type Unresolved = Parameters<tf.Callback['onEpochEnd']>[1]; // Numbers, or tensors with one element.

/**
 * Saves weights, optimizer and average after every epoch of `model.fit`, and restores them:
 *
 * ```ts
 * model.compile({ optimizer: adamW(), loss, metrics: ['accuracy'] });
 * const checkpoints = new CheckpointCallback(new CheckpointStore('runs/mine'));
 * await model.fit(x, y, { epochs: 10, initialEpoch: await checkpoints.resume(model), callbacks: checkpoints });
 * ```
 *
 * `fit` shuffles with a generator that cannot be seeded; use the Trainer to resume exactly.
 */
export class CheckpointCallback extends tf.Callback {
  private progress = nothing();

  constructor(
    private readonly store: CheckpointStore,
    private readonly average?: WeightAverage,
  ) {
    super();
  }

  /**
   * Restores the newest complete checkpoint into a compiled model.
   * @returns the epoch to continue with; 0 if there is no checkpoint
   * @throws CheckpointError if it does not fit
   */
  async resume(model: tf.LayersModel): Promise<number> {
    const checkpoint = await this.store.newest((message) => console.warn(message));
    if (!checkpoint) return 0;
    const state = this.state(model);
    await this.store.restore(state, checkpoint);
    this.progress = state.progress;
    return this.progress.position.epoch;
  }

  /** A `fit` that continues neither the last one nor the checkpoint is a separate run. */
  override async onTrainBegin(): Promise<void> {
    if (this.params.initialEpoch !== this.progress.position.epoch) this.progress = nothing();
  }

  /**
   * Saves the epoch's checkpoint; `fit` calls it.
   *
   * @throws if the folder cannot be written to
   */
  override async onEpochEnd(epoch: number, logs?: Unresolved): Promise<void> {
    const model = this.model as tf.LayersModel;
    const step = model.optimizer.iterations;
    this.progress.history.push(
      reportOf(epoch, step, this.params?.epochs as number, await numbers(logs)),
    );
    this.progress.position = { epoch: epoch + 1, batch: 0, step };
    await this.store.save(this.state(model));
  }

  private state(model: tf.LayersModel) {
    const { optimizer } = model;
    return {
      model,
      optimizer,
      progress: this.progress,
      ...(this.average && { average: this.average }),
    };
  }
}

/** tfjs resolves the scalars in its logs only for callbacks made from functions. */
async function numbers(logs: Unresolved = {}): Promise<Logs> {
  const resolved: Logs = {};
  for (const [name, value] of Object.entries(logs as Record<string, number | tf.Tensor>)) {
    resolved[name] = typeof value === 'number' ? value : (await value.data())[0];
  }
  return resolved;
}

function nothing(): Progress {
  return {
    position: { epoch: 0, batch: 0, step: 0 },
    sums: { samples: 0, loss: 0, right: 0 },
    history: [],
  };
}

function reportOf(epoch: number, step: number, epochs: number, logs: Logs): EpochReport {
  return {
    epoch,
    epochs,
    step,
    learningRate: Number.NaN,
    trainLoss: logs.loss ?? Number.NaN,
    trainAccuracy: logs.acc ?? Number.NaN,
    testLoss: logs.val_loss ?? null,
    testAccuracy: logs.val_acc ?? null, // Unknown without validation data.
    testTop5: null,
    averageAccuracy: null,
    firingRates: {},
    dead: [],
    saturated: [],
    seconds: 0,
    samplesPerSecond: 0,
  };
}
