/** Samples for a model: from a prepared data set, from one file of a known format, or noise of its input's shape. */
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { type DataSetDescription, type DataSetName, dataSets } from '../datasets/data_sets';
import { eventsToFrames, normalize, readAedat2, readIdx } from '../datasets/index';
import * as interop from '../interop/index';
import { Random } from '../lib/random';
import { datasetEntry } from '../node/datasets/index';
import type { Recipe } from '../training/recipe';
import { isOwnData } from '../training/recipe_data';
import { UsageError } from './shared/errors';

export interface Samples {
  /** `[samples, ...the model's input]`; the caller disposes of it. */
  x: tf.Tensor;
  /** A description of them for the report. */
  what: string;
}

/** How to interpret samples: a run's data settings, if the model belongs to a run. */
export type DataRules = Recipe['data'];

/** What is known of files besides their own format: nothing, of data of your own. */
const knownRules = (rules?: DataRules) =>
  rules && !isOwnData(rules.name) ? { ...rules, name: rules.name } : undefined;
type KnownRules = ReturnType<typeof knownRules>;

/** Numbers of whole samples. */
interface Read {
  data: ArrayLike<number>;
  shape: readonly number[];
  /** How they were processed. */
  note: string;
}

/** The data set whose format a file has, by its name and size; null if none, or a recording of any DVS128. */
function dataSetOf(path: string, bytes: Uint8Array): DataSetName | null {
  if (/idx\d-ubyte$/.test(path)) return 'mnist';
  if (extname(path) === '.aedat') return isAedat31(bytes) ? 'dvs128gesture' : null;
  const [ten, hundred] = [bytes.length % 3073 === 0, bytes.length % 3074 === 0];
  return ten ? 'cifar10' : hundred ? 'cifar100' : null;
}

const isAedat31 = (bytes: Uint8Array) =>
  String.fromCharCode(...bytes.subarray(0, 12)) === '#!AER-DAT3.1';

/** Images prepared as networks for that data set take them. */
function readImages(name: DataSetName, bytes: Uint8Array, input: readonly number[]): Read {
  const entry = datasetEntry(name);
  if (entry.kind !== 'images' || !entry.parse) {
    throw new Error(`${name} has no files with many images: give a folder or a .safetensors`);
  }
  const { images, shape } = entry.parse(bytes);
  const { mean, std, sample }: DataSetDescription = dataSets[name];
  const own = shape.slice(1).join() === sample.join() && input.join() === sample.join();
  if (!own || !mean || !std) {
    // Images of other sizes in the same format have unknown statistics.
    return { data: Float32Array.from(images, (byte) => byte / 255), shape, note: 'IDX, x / 255' };
  }
  const data = normalize(images, mean, std);
  return { data, shape, note: `${name}, normalized as its recipes do` };
}

/** A recording as one sample of frames. */
function readRecording(bytes: Uint8Array, input: readonly number[], rules?: KnownRules): Read {
  const name = rules?.name ?? (isAedat31(bytes) ? 'dvs128gesture' : undefined);
  const entry = name && datasetEntry(name);
  if (entry && entry.kind !== 'events')
    throw new Error(`it has events, but ${name} has ${entry.kind}`);
  const events = entry ? entry.parse(bytes) : readAedat2(bytes, { sensor: 'dvs128' });
  const { splitBy = 'number' } = rules ?? {};
  const { data, shape } = eventsToFrames(events, { frames: input[0]!, splitBy });
  const equal = splitBy === 'number' ? 'numbers' : 'times';
  return { data, shape: [1, ...shape], note: `events in ${input[0]} frames of equal ${equal}` };
}

function readTensor(bytes: Uint8Array): Read {
  const { x } = interop.readSafetensors(bytes);
  if (x?.dtype !== 'F32') throw new Error("it must have a float32 tensor 'x'");
  return { data: x.data as Float32Array, shape: x.shape, note: "its tensor 'x'" };
}

function readFile(path: string, input: readonly number[], rules?: KnownRules): Read {
  const hasEvents = rules && datasetEntry(rules.name).kind === 'events';
  const isRecording = extname(path) === '.aedat' || hasEvents;
  if (!/\.(bin|aedat|safetensors)$|idx\d-ubyte$/.test(path)) {
    throw new UsageError(
      'data must be a CIFAR .bin, an idx3-ubyte, an .aedat from a DVS128, a .safetensors with a ' +
        `tensor x or, for a network of frames, a recording as predict takes it, but got '${path}'`,
    );
  }
  const bytes = readFileSync(path);
  if (extname(path) === '.safetensors') return readTensor(bytes);
  if (isRecording) return readRecording(bytes, input, rules);
  const name = rules?.name ?? dataSetOf(path, bytes);
  if (name === null) throw new Error('its size is neither that of CIFAR-10 nor of CIFAR-100');
  if (name === 'mnist') checkIsImages(bytes);
  return readImages(name, bytes, input);
}

function checkIsImages(bytes: Uint8Array): void {
  const { shape } = readIdx(bytes);
  if (shape.length < 3) throw new Error(`it must hold images, but has shape [${shape}]`);
}

/** The first `count` test samples of a prepared data set, for an input of that shape. */
export async function testSamplesOf(
  name: string,
  input: number[],
  count: number,
  rules?: DataRules,
): Promise<Samples> {
  const entry = datasetEntry(name);
  const split = { split: 'test', partial: true } as const;
  const { splitBy = 'number' } = rules ?? {};
  const dataset =
    entry.kind === 'events'
      ? await entry.open({ ...split, frames: input[0]!, splitBy })
      : await entry.open(split);
  const normalized = dataset.mean !== undefined;
  const batches = dataset.toTfDataset({ normalize: normalized }).take(count).batch(count);
  const [batch] = await batches.toArray();
  const { xs: x, ys } = batch as unknown as { xs: tf.Tensor; ys: tf.Tensor };
  ys.dispose();
  if (x.shape.slice(1).join() !== input.join()) {
    x.dispose();
    throw new UsageError(
      `data must hold samples of shape [${input}], the model's input, but ${name} holds [${x.shape.slice(1)}]`,
    );
  }
  return { x, what: `${x.shape[0]} test samples of ${name}${normalized ? ', normalized' : ''}` };
}

/**
 * The first `count` samples of a file, for an input of that shape.
 * @param rules The data settings that a run was trained with; without them the file's format decides.
 */
export function samplesOf(
  path: string,
  input: number[],
  count: number,
  rules?: DataRules,
): Samples {
  let found: Read;
  try {
    found = readFile(path, input, knownRules(rules));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new Error(`${path} cannot be read: ${(error as Error).message}`);
  }
  const { data, shape, note } = found;
  const [total, ...sample] = shape as [number, ...number[]];
  if (sample.join() !== input.join()) {
    throw new UsageError(
      `data must hold samples of shape [${input}], the model's input, but ${basename(path)} holds [${sample}]`,
    );
  }
  const taken = Math.min(count, total);
  const numbers = Float32Array.from(
    Array.prototype.slice.call(data, 0, taken * tf.util.sizeFromShape(input)),
  );
  return {
    x: tf.tensor(numbers, [taken, ...input]),
    what: `${taken} of ${basename(path)}: ${note}`,
  };
}

/** Normal noise for images; for events, counts that are mostly 0. */
export function noise(input: number[], count: number, seed: number): Samples {
  const random = new Random(seed, 'noise');
  const events = input.length === 4;
  const numbers = Float32Array.from({ length: count * tf.util.sizeFromShape(input) }, () =>
    events ? Number(random.next() < 0.05) : random.normal(),
  );
  return {
    x: tf.tensor(numbers, [count, ...input]),
    what: `${count} samples of ${events ? 'random events' : 'normal noise'} (seed ${seed}): use --data for real ones`,
  };
}
