/** A network and data so small that whole training runs fit into a test. */
import { models } from '../../index';
import { Random } from '../../lib/random';
import { AdamW } from '../../training/adamw';
import { cosineSchedule } from '../../training/cosine_schedule';
import { smoothTargets } from '../../training/losses';
import { seededWeights } from '../../training/seeded_weights';
import { Trainer } from '../../training/trainer';
import type { TrainerConfig } from '../../training/trainer_config';
import type { EvaluationData, TrainingBatch, TrainingData } from '../../training/training_data';

const SIDE = 8;
const classNames = ['dark', 'left', 'right'];

/** Image `index`: noise, brighter where its class says. */
function sample(random: Random, label: number): Float32Array {
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const left = i % SIDE < SIDE / 2;
    const bright = (label === 1 && left) || (label === 2 && !left);
    return random.normal(bright ? 1 : -1, 0.5);
  });
}

function batchOf(path: (string | number)[], size: number): TrainingBatch {
  const random = new Random(5, ...path);
  const labels = Int32Array.from({ length: size }, () => random.integer(3));
  const data = new Float32Array(size * SIDE * SIDE);
  labels.forEach((label, i) => {
    data.set(sample(random, label), i * SIDE * SIDE);
  });
  return { data, shape: [size, SIDE, SIDE, 1], labels, targets: smoothTargets(labels, 3, 0.1) };
}

export const tinyTrain = (batchesPerEpoch = 6, batchSize = 6): TrainingData => ({
  classNames,
  batchesPerEpoch,
  batchSize,
  async *batches(epoch, start) {
    for (let i = start; i < batchesPerEpoch; i++) yield batchOf(['train', epoch, i], batchSize);
  },
});

export const tinyTest: EvaluationData = {
  classNames,
  length: 24,
  async *batches() {
    for (let i = 0; i < 2; i++) yield batchOf(['test', i], 12);
  },
};

export const tinyModel = (seed = 1, embedDim = 16) =>
  seededWeights(seed, () =>
    models.spikingformer({
      inputShape: [SIDE, SIDE, 1],
      numClasses: 3,
      embedDim,
      depth: 1,
      numHeads: 2,
      timeSteps: 2,
    }),
  );

/** A trainer of it all; the model is disposed of by `end`. */
export function tinyTrainer(config: Partial<TrainerConfig> = {}) {
  const model = config.model ?? tinyModel();
  const trainer = new Trainer({
    model,
    optimizer: new AdamW({ learningRate: 0.01, weightDecay: 0.05 }),
    schedule: cosineSchedule({ learningRate: 0.01, epochs: 3, warmupEpochs: 1 }),
    train: tinyTrain(),
    test: tinyTest,
    averageDecay: 0.9,
    ...config,
  });
  const end = () => {
    trainer.dispose();
    model.dispose();
  };
  const finish = async () => {
    const reports = [];
    for await (const report of trainer.run()) reports.push(report);
    return reports;
  };
  const weights = () => model.getWeights().map((w) => [...w.dataSync()]);
  return { trainer, model, end, finish, weights };
}
