/** The schedule and the weight average as callbacks of `model.fit`. */
import * as tf from '@tensorflow/tfjs';
import type { LearningRateSchedule } from './cosine_schedule';
import { WeightAverage } from './weight_average';

/**
 * Sets the optimizer's learning rate at the start of every epoch. The optimizer must have a `learningRate`: AdamW does,
 * and tf.train's do, except for those without a rate.
 *
 * ```ts
 * const schedule = cosineSchedule({ learningRate: 5e-4, epochs: 300, warmupEpochs: 20 });
 * await model.fit(x, y, { epochs: schedule.totalEpochs, callbacks: learningRateCallback(schedule) });
 * ```
 */
export function learningRateCallback(schedule: LearningRateSchedule): tf.Callback {
  return new (class extends tf.Callback {
    override async onEpochBegin(epoch: number): Promise<void> {
      const { optimizer } = this.model as tf.LayersModel;
      if (!('learningRate' in optimizer)) {
        throw new Error(`${optimizer.getClassName()} has no learningRate to set`);
      }
      optimizer.learningRate = schedule.at(epoch);
    }
  })();
}

/**
 * Keeps a moving average of the weights while `model.fit` runs; afterwards the model holds the average. Validation
 * during the run uses the model's own weights.
 */
export function weightAverageCallback(decay: number): tf.Callback {
  let average: WeightAverage;
  return new (class extends tf.Callback {
    override async onTrainBegin(): Promise<void> {
      average = new WeightAverage(this.model as tf.LayersModel, decay);
    }
    override async onBatchEnd(): Promise<void> {
      average.update();
    }
    override async onTrainEnd(): Promise<void> {
      average.swap();
      average.dispose();
    }
  })();
}
