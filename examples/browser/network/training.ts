/** Training in a worker: a small Spikingformer on the part of MNIST that lies beside the page. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { dataSets, memorySource, readIdx } from 'tfjs-spikingformer/datasets';
import {
  adamW,
  cosineSchedule,
  evaluationData,
  InterruptedError,
  seededWeights,
  Trainer,
  trainingData,
} from 'tfjs-spikingformer/training';
import { savedFiles } from './saved_model';

export interface TrainingOptions {
  embedDim: number;
  timeSteps: number;
  order: 'conv-bn-pool-lif' | 'conv-bn-lif-pool';
  learningRate: number;
  epochs: number;
  /** Training images per epoch. */
  images: number;
}

/** What the page receives; shares are from 0 to 1. */
export type TrainingNews =
  | { kind: 'start'; parameters: number; steps: number; epochs: number }
  | { kind: 'step'; step: number; loss: number; accuracy: number; tensors: number }
  | {
      kind: 'epoch';
      epoch: number;
      step: number;
      testLoss: number;
      testAccuracy: number;
      firingRates: Record<string, number>;
      samplesPerSecond: number;
    };

const BATCH = 50;
const SEED = 42;
const digits = Array.from({ length: 10 }, (_, i) => String(i));

async function mnistPart(split: 'train' | 'test', prefix: string) {
  const file = async (name: string) => {
    const response = await fetch(`digits/${prefix}-${name}`);
    if (!response.ok) {
      throw new Error(
        `digits/${prefix}-${name} must lie beside the page, but got ${response.status}`,
      );
    }
    return readIdx(await response.arrayBuffer()).data as Uint8Array;
  };
  const [data, labels] = await Promise.all([file('images-idx3-ubyte'), file('labels-idx1-ubyte')]);
  const { sample: shape, mean, std } = dataSets.mnist;
  return memorySource({ name: 'mnist', split, data, shape, labels, classNames: digits, mean, std });
}

export class TrainingRun {
  private readonly stop = new AbortController();
  private model: tf.LayersModel | undefined;
  /** While paused: what the next step waits for, and what ends the wait. */
  private gate = Promise.resolve();
  private open = () => {};

  constructor(
    private readonly options: TrainingOptions,
    private readonly tell: (news: TrainingNews) => void,
  ) {}

  /** Resolves when all epochs are done, or after `end`. @throws DivergedError, and what the backend throws */
  async run(): Promise<void> {
    const { embedDim, timeSteps, order, learningRate, epochs, images } = this.options;
    const [train, test] = await Promise.all([
      mnistPart('train', 'train'),
      mnistPart('test', 't10k'),
    ]);
    const model = seededWeights(SEED, () =>
      spiking.models.spikingformer({
        inputShape: [...dataSets.mnist.sample],
        numClasses: digits.length,
        depth: 1,
        numHeads: embedDim / 16,
        patchSize: 8,
        ...{ embedDim, timeSteps, order },
      }),
    );
    this.model = model;
    const data = trainingData(train, { batchSize: BATCH, seed: SEED });
    const batchesPerEpoch = Math.min(Math.floor(images / BATCH), data.batchesPerEpoch);
    const trainer = new Trainer({
      model,
      optimizer: adamW(),
      schedule: cosineSchedule({ learningRate, epochs }),
      train: { ...data, batchesPerEpoch },
      test: evaluationData(test, { batchSize: BATCH }),
      observers: [
        {
          onStart: () =>
            this.tell({
              kind: 'start',
              parameters: model.countParams(),
              steps: epochs * batchesPerEpoch,
              epochs,
            }),
          onStep: ({ step, loss, accuracy }) => {
            this.tell({ kind: 'step', step, loss, accuracy, tensors: tf.memory().numTensors });
            return this.gate;
          },
          onEpoch: ({ epoch, step, testLoss, testAccuracy, firingRates, samplesPerSecond }) =>
            this.tell({
              kind: 'epoch',
              testLoss: testLoss!,
              testAccuracy: testAccuracy!,
              ...{ epoch, step, firingRates, samplesPerSecond },
            }),
        },
      ],
      signal: this.stop.signal,
    });
    try {
      for await (const _ of trainer.run());
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
    } finally {
      trainer.dispose();
    }
  }

  /** The next step waits until `resume`. */
  pause(): void {
    this.resume();
    this.gate = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  resume(): void {
    this.open();
    this.gate = Promise.resolve();
  }

  /** Ends the run after the current step; the model stays as it is. */
  end(): void {
    this.stop.abort();
    this.resume();
  }

  /** The model as it is now. */
  async save(): Promise<File[]> {
    if (!this.model) throw new Error('The model is there once its training has begun');
    return savedFiles(this.model);
  }
}
