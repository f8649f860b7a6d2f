/** A data set's samples as training batches: augmented, mixed, normalized and erased as a recipe says. */
import { batches as batchesHere } from '../datasets/batches';
import type { Batch, SampleSource } from '../datasets/sample';
import {
  normalize,
  type RandomErasingOptions,
  randomErasing,
  type Transform,
} from '../datasets/transforms';
import { Random } from '../lib/random';
import { checkPositiveInteger } from '../lib/validate';
import { smoothTargets } from './losses';
import { checkMixup, drawMixing, type MixupConfig, mixSamples, mixTargets } from './mixup';
import type { EvaluationData, TrainingBatch, TrainingData } from './training_data';

/** Options of `trainingData`. */
export interface TrainingDataOptions {
  batchSize: number;
  /** What makes the batches, such as the worker threads of tfjs-spikingformer/node. Default: this thread. */
  batches?: typeof batchesHere;
  /** Seed of order, augmentation, mixing and erasing, each with a separate stream. */
  seed: number;
  transform?: Transform;
  mixup?: MixupConfig;
  /** Share of every target to spread over all classes. Default 0. */
  labelSmoothing?: number;
  erasing?: RandomErasingOptions;
}

/**
 * Shuffled batches of one size; an incomplete last batch is left out, as in timm. A batch depends only on seed, epoch
 * and index.
 *
 * ```ts
 * const train = trainingData(await cifar10({ split: 'train' }), { batchSize: 64, seed: 42 });
 * ```
 */
export function trainingData(source: SampleSource, options: TrainingDataOptions): TrainingData {
  const { batchSize, seed, mixup = {}, labelSmoothing = 0, erasing, transform } = options;
  const { batches = batchesHere } = options;
  checkPositiveInteger('batchSize', batchSize);
  checkMixup(mixup);
  const { classNames } = source;
  const prepare = (batch: Batch, epoch: number, i: number): TrainingBatch => {
    const { data, shape, labels, indices } = batch;
    const [height, width] = shape.slice(-3) as [number, number];
    const stream = (...path: (string | number)[]) => new Random(seed, 'epoch', epoch, ...path);
    const mixing = drawMixing(stream('mix', i), mixup, epoch, height, width);
    mixSamples(data, shape, mixing);
    const numbers = asNumbers(source, data);
    if (erasing) randomErasing(numbers, shape, erasing, (k) => stream('erase', indices[k]!));
    const targets = mixTargets(labels, classNames.length, mixing.lambda, labelSmoothing);
    return { data: numbers, shape, labels, targets, indices };
  };
  async function* dealt(epoch: number, start: number, every: number) {
    const order = { shuffle: true, dropLast: true, seed, epoch, startBatch: start, every };
    let i = start;
    for await (const batch of batches(source, { batchSize, ...order, transform })) {
      yield prepare(batch, epoch, i);
      i += every;
    }
  }
  return {
    classNames,
    batchSize,
    batchesPerEpoch: Math.floor(source.length / batchSize),
    batches: (epoch, start) => dealt(epoch, start, 1),
    dealt,
  };
}

/** Options of `evaluationData`. */
export interface EvaluationDataOptions {
  batchSize: number;
  /** What makes the batches, such as the worker threads of tfjs-spikingformer/node. Default: this thread. */
  batches?: typeof batchesHere;
  transform?: Transform;
}

/** Every sample once, in order. */
export function evaluationData(
  source: SampleSource,
  options: EvaluationDataOptions,
): EvaluationData {
  const { batchSize, transform, batches = batchesHere } = options;
  checkPositiveInteger('batchSize', batchSize);
  const { classNames, length } = source;
  async function* dealt(startBatch: number, every: number) {
    for await (const batch of batches(source, { batchSize, transform, startBatch, every })) {
      const { data, shape, labels } = batch;
      const targets = smoothTargets(labels, classNames.length);
      yield { data: asNumbers(source, data), shape, labels, targets };
    }
  }
  return { classNames, length, batches: () => dealt(0, 1), dealt };
}

/** Normalized if the source has statistics; otherwise bytes become 0..1, and frames stay. */
function asNumbers({ mean, std }: SampleSource, data: Uint8Array | Float32Array): Float32Array {
  if (data instanceof Float32Array) return data;
  if (mean && std) return normalize(data, mean, std);
  return Float32Array.from(data, (byte) => byte / 255);
}

/** The first `length` samples of a source. */
export function firstSamples(source: SampleSource, length = source.length): SampleSource {
  if (length >= source.length) return source;
  const { name, split, classNames, mean, std, fingerprint } = source;
  return {
    ...{ name, split, classNames, mean, std, fingerprint, length },
    get workerSpec() {
      return source.workerSpec; // The first use of a source in memory shares the memory.
    },
    read: (i) => source.read(i),
  };
}
