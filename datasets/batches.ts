/**
 * Samples shuffled, transformed and put together. All chance is named by seed, epoch and index: batch
 * i of an epoch is the same to the byte, whoever makes it and whatever came before.
 */
import { Random } from '../lib/random';
import {
  checkBoolean,
  checkKeys,
  checkOneOf,
  checkPositiveInteger,
  invalid,
} from '../lib/validate';
import { DatasetError } from './dataset_error';
import type { Batch, Sample, SampleSource } from './sample';
import { createTransform } from './transforms/create_transform';
import type { Transform, TransformConfig } from './transforms/transform';

/** Options of `batches`. */
export interface BatchOptions {
  batchSize: number;
  /** A new order in each epoch. Default false: as in the source. */
  shuffle?: boolean;
  /** Default 0. */
  seed?: number;
  /** Default 0. */
  epoch?: number;
  /** The first batch that is made: where a run that stopped goes on. Default 0. */
  startBatch?: number;
  /** Of the batches from there on, one in so many is made: those of one of several processes. Default 1. */
  every?: number;
  /** Leaves out a last batch that is not full. Default false. */
  dropLast?: boolean;
  /** Done to each sample, with the random stream [seed, 'epoch', epoch, 'sample', index]. */
  transform?: Transform | TransformConfig;
  /**
   * 'throw' (the default), or 'skip': a sample whose data is damaged is left out of its batch and
   * listed in `skipped`. A batch of which nothing is left is an error even so.
   */
  onBadSample?: 'throw' | 'skip';
}

/** A sample that was left out, and why. */
export interface BadSample {
  /** Where in the source. */
  index: number;
  reason: string;
}

/** Batches of one epoch; iterating again makes them again. */
export interface Batches extends AsyncIterable<Batch> {
  /** How many there are, from `startBatch` on, of `every` one. */
  readonly length: number;
  /** What the current iteration has left out so far. */
  readonly skipped: readonly BadSample[];
}

/**
 * The batches of an epoch, made in this thread; `batches` of tfjs-spikingformer/node does the same in
 * worker threads.
 *
 * ```ts
 * const epoch = batches(source, {batchSize: 64, shuffle: true, seed: 42, epoch: 3, transform});
 * for await (const {data, shape, labels} of epoch) train(tf.tensor(data, shape), labels);
 * ```
 *
 * @throws a DatasetError that names the sample, where one cannot be read or does not fit its batch
 */
export function batches(source: SampleSource, options: BatchOptions): Batches {
  const plan = planEpoch(source, options);
  const recipe = recipeOf(options);
  return iterable(plan.length, async function* (skipped) {
    for (const indices of plan) {
      const made = await makeBatch(source, indices, recipe);
      skipped.push(...made.skipped);
      yield made.batch;
    }
  });
}

/** Batches from a generator, which is told where to list what it leaves out. */
export function iterable(
  length: number,
  run: (skipped: BadSample[]) => AsyncGenerator<Batch, void, undefined>,
): Batches {
  let skipped: BadSample[] = [];
  return {
    length,
    get skipped() {
      return skipped;
    },
    [Symbol.asyncIterator]() {
      skipped = [];
      return run(skipped);
    },
  };
}

const OPTIONS = [
  ...[
    'batchSize',
    'shuffle',
    'seed',
    'epoch',
    'startBatch',
    'every',
    'dropLast',
    'transform',
    'onBadSample',
  ],
];

/** Checks the options, and says which samples each batch has. */
export function planEpoch(source: SampleSource, options: BatchOptions): Int32Array[] {
  checkKeys('batches', options, OPTIONS);
  const { batchSize, shuffle = false, seed = 0, epoch = 0 } = options;
  const { startBatch = 0, every = 1, dropLast = false, onBadSample = 'throw' } = options;
  checkPositiveInteger('batchSize', batchSize);
  checkPositiveInteger('every', every);
  checkBoolean('shuffle', shuffle);
  checkBoolean('dropLast', dropLast);
  checkOneOf('onBadSample', onBadSample, ['throw', 'skip'] as const);
  if (!Number.isSafeInteger(seed)) throw invalid('seed', 'a safe integer', seed);
  if (!Number.isSafeInteger(epoch) || epoch < 0)
    throw invalid('epoch', 'an integer, 0 or more', epoch);
  const order = shuffle
    ? new Random(seed, 'epoch', epoch, 'order').permutation(source.length)
    : Uint32Array.from({ length: source.length }, (_, i) => i);
  const count = dropLast
    ? Math.floor(order.length / batchSize)
    : Math.ceil(order.length / batchSize);
  if (!Number.isSafeInteger(startBatch) || startBatch < 0 || startBatch > count) {
    throw invalid(
      'startBatch',
      `an integer from 0 to ${count}, the batches of an epoch`,
      startBatch,
    );
  }
  return Array.from({ length: Math.ceil((count - startBatch) / every) }, (_, i) => {
    const first = (startBatch + i * every) * batchSize;
    return Int32Array.from(order.subarray(first, first + batchSize));
  });
}

/** What every batch of an epoch is made by. */
export interface BatchRecipe {
  seed: number;
  epoch: number;
  transform: Transform | null;
  skip: boolean;
}

export function recipeOf({
  seed = 0,
  epoch = 0,
  transform,
  onBadSample,
}: BatchOptions): BatchRecipe {
  return {
    seed,
    epoch,
    transform:
      typeof transform === 'function' ? transform : transform ? createTransform(transform) : null,
    skip: onBadSample === 'skip',
  };
}

export interface MadeBatch {
  batch: Batch;
  skipped: BadSample[];
}

/** One batch; `onSample` is told each sample before it is read. */
export async function makeBatch(
  source: SampleSource,
  indices: Int32Array,
  recipe: BatchRecipe,
  onSample: (index: number) => void = () => {},
): Promise<MadeBatch> {
  const skipped: BadSample[] = [];
  const good: number[] = [];
  const labels: number[] = [];
  let first: Sample | undefined;
  let data: Batch['data'] = new Uint8Array(0);
  for (const index of indices) {
    onSample(index);
    let sample: Sample;
    try {
      sample = await source.read(index);
      if (recipe.transform) {
        const random = new Random(recipe.seed, 'epoch', recipe.epoch, 'sample', index);
        sample = recipe.transform(sample, random);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!recipe.skip || !isDatasetError(error)) throw badSample(source, index, reason, error);
      skipped.push({ index, reason });
      continue;
    }
    if (first === undefined) {
      first = sample;
      const Type = sample.data.constructor as new (length: number) => Batch['data'];
      data = new Type(indices.length * sample.data.length);
    }
    const alike = `${sample.shape}` === `${first.shape}`;
    if (!alike || sample.data.constructor !== first.data.constructor) {
      const reason =
        `a batch must be of one shape and type, but it is ${typeOf(sample)} and sample ${good[0]} ` +
        `is ${typeOf(first)}; a transform can resize them`;
      throw badSample(source, index, reason);
    }
    data.set(sample.data, good.length * sample.data.length);
    good.push(index);
    labels.push(sample.label);
  }
  if (first === undefined) {
    throw badSample(source, skipped[0].index, `${skipped[0].reason} (and so on: all of its batch)`);
  }
  const batch: Batch = {
    data: skipped.length === 0 ? data : data.slice(0, good.length * first.data.length),
    shape: [good.length, ...first.shape],
    labels: Int32Array.from(labels),
    indices: Int32Array.from(good),
  };
  return { batch, skipped };
}

const typeOf = ({ data, shape }: Sample) => `${data.constructor.name} [${shape}]`;

// By its name: in a bundle, or from a worker's module, it may be another copy's class.
const isDatasetError = (error: unknown) => (error as Error | null)?.name === 'DatasetError';

function badSample(
  { name, split }: SampleSource,
  index: number,
  reason: string,
  cause?: unknown,
): DatasetError {
  return new DatasetError(`sample ${index} of ${name} (${split}): ${reason}`, { cause });
}
