/** timm's cosine schedule of learning rates, by epoch (Loshchilov and Hutter, arXiv 1608.03983). */
import {
  checkFinite,
  checkKeys,
  checkPositive,
  checkPositiveInteger,
  invalid,
} from '../lib/validate';

/** Options of `cosineSchedule`. */
export interface CosineScheduleConfig {
  /** The peak from which the cosine falls; with a warm-up it is never quite reached. */
  learningRate: number;
  /** Length of the cosine in epochs, including the warm-up. */
  epochs: number;
  /** Number of warm-up epochs, which rise from `warmupLearningRate`. Default 0. */
  warmupEpochs?: number;
  /** Learning rate of the first epoch if there is a warm-up. Default 0. */
  warmupLearningRate?: number;
  /** Learning rate at the end of the cosine. Default 0. */
  minLearningRate?: number;
  /** Epochs at `minLearningRate` after the cosine. Default 0. */
  cooldownEpochs?: number;
}

/** The learning rate of every epoch. */
export interface LearningRateSchedule {
  /** The number of all epochs: the cosine's and the cool-down's. */
  readonly totalEpochs: number;
  /** The learning rate during an epoch, counted from 0. */
  at(epoch: number): number;
}

const keys = [
  'learningRate',
  'epochs',
  'warmupEpochs',
  'warmupLearningRate',
  'minLearningRate',
  'cooldownEpochs',
];

/**
 * The learning rate of epoch e:
 *
 *   e < warmup: warmupLr + e (lr - warmupLr) / warmup
 *   e < epochs: minLr + (lr - minLr) (1 + cos(pi e / epochs)) / 2, not shifted by the warm-up
 *   after that: minLr
 */
export function cosineSchedule(config: CosineScheduleConfig): LearningRateSchedule {
  checkKeys('cosineSchedule', config, keys);
  const { learningRate, epochs, warmupEpochs = 0, cooldownEpochs = 0 } = config;
  const { warmupLearningRate = 0, minLearningRate = 0 } = config;
  checkPositive('learningRate', learningRate);
  checkPositiveInteger('epochs', epochs);
  checkCount('warmupEpochs', warmupEpochs);
  checkCount('cooldownEpochs', cooldownEpochs);
  for (const [name, rate] of Object.entries({ warmupLearningRate, minLearningRate })) {
    checkFinite(name, rate);
    if (rate < 0 || rate > learningRate) {
      throw invalid(name, `a number from 0 to learningRate (${learningRate})`, rate);
    }
  }
  if (warmupEpochs > epochs)
    throw invalid('warmupEpochs', `at most epochs (${epochs})`, warmupEpochs);
  return {
    totalEpochs: epochs + cooldownEpochs,
    at(epoch) {
      checkCount('epoch', epoch);
      if (epoch < warmupEpochs) {
        return warmupLearningRate + (epoch * (learningRate - warmupLearningRate)) / warmupEpochs;
      }
      if (epoch >= epochs) return minLearningRate;
      const half = 0.5 * (learningRate - minLearningRate);
      return minLearningRate + half * (1 + Math.cos((Math.PI * epoch) / epochs));
    },
  };
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(name, 'an integer from 0', value);
}
