/** Samples for a model: of a prepared data set, from one file of a known format, or noise of its input's shape. */
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { eventsToFrames, readAedat2, readCifar10, readCifar100, readIdx } from '../datasets/index';
import * as interop from '../interop/index';
import { Random } from '../lib/random';
import { datasetEntry, datasetNames } from '../node/datasets/index';
import { UsageError } from './_errors';

export interface Samples {
  /** `[samples, ...the model's input]`; the caller disposes of it. */
  x: tf.Tensor;
  /** What they are, for the report. */
  what: string;
}

/** Numbers of whole samples. */
interface Read {
  data: ArrayLike<number>;
  shape: number[];
  /** What was done to them. */
  note: string;
}

/** The CIFAR recipes' own. */
const cifar = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };

const isCifar10 = (bytes: Uint8Array) => bytes.length % 3073 === 0;

function readImages(bytes: Uint8Array): Read {
  const { images, shape } = isCifar10(bytes) ? readCifar10(bytes) : readCifar100(bytes);
  const { mean, std } = cifar;
  const data = Float32Array.from(images, (byte, i) => (byte / 255 - mean[i % 3]!) / std[i % 3]!);
  return { data, shape, note: 'CIFAR images, normalized as the recipes do' };
}

function readDigits(bytes: Uint8Array): Read {
  const { data, shape } = readIdx(bytes);
  if (shape.length < 3) throw new Error(`it must hold images, but has shape [${shape}]`);
  const scaled = Float32Array.from(data, (byte) => byte / 255);
  return { data: scaled, shape: shape.length === 3 ? [...shape, 1] : shape, note: 'IDX, x / 255' };
}

function readRecording(bytes: Uint8Array, input: number[]): Read {
  const events = readAedat2(bytes, { sensor: 'dvs128' });
  const { data, shape } = eventsToFrames(events, { frames: input[0]!, splitBy: 'number' });
  return { data, shape: [1, ...shape], note: `events in ${input[0]} frames of equal numbers` };
}

function readTensor(bytes: Uint8Array): Read {
  const { x } = interop.readSafetensors(bytes);
  if (x?.dtype !== 'F32') throw new Error("it must have a float32 tensor 'x'");
  return { data: x.data as Float32Array, shape: x.shape, note: "its tensor 'x'" };
}

type Reader = (bytes: Uint8Array, input: number[]) => Read;
const readers: Record<string, Reader> = {
  '.bin': readImages,
  '.aedat': readRecording,
  '.safetensors': readTensor,
};

function readerOf(path: string): Reader {
  const reader = readers[extname(path)] ?? (/idx\d-ubyte$/.test(path) ? readDigits : undefined);
  if (reader) return reader;
  throw new UsageError(
    'data must be a CIFAR .bin, an idx3-ubyte, an AEDAT 2.0 .aedat of a DVS128, or a .safetensors ' +
      `with a tensor x, but got '${path}'`,
  );
}

/** Whether a data set has that name. */
export const isDataset = (name: string) => (datasetNames as readonly string[]).includes(name);

/** The first `count` test samples of a prepared data set, for an input of that shape. */
export async function testSamplesOf(
  name: string,
  input: number[],
  count: number,
): Promise<Samples> {
  const entry = datasetEntry(name);
  const split = { split: 'test', partial: true } as const;
  const dataset =
    entry.kind === 'images'
      ? await entry.open(split)
      : await entry.open({ ...split, frames: input[0]!, splitBy: 'number' });
  const normalize = dataset.mean !== undefined;
  const [batch] = await dataset.toTfDataset({ normalize }).take(count).batch(count).toArray();
  const { xs: x, ys } = batch as unknown as { xs: tf.Tensor; ys: tf.Tensor };
  ys.dispose();
  if (x.shape.slice(1).join() !== input.join()) {
    x.dispose();
    throw new UsageError(
      `data must hold samples of shape [${input}], the model's input, but ${name} holds [${x.shape.slice(1)}]`,
    );
  }
  return { x, what: `${x.shape[0]} test samples of ${name}${normalize ? ', normalized' : ''}` };
}

/** The first `count` samples of a file, for an input of that shape. */
export function samplesOf(path: string, input: number[], count: number): Samples {
  const reader = readerOf(path);
  let found: Read;
  try {
    found = reader(readFileSync(path), input);
  } catch (error) {
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

/** Normal numbers for images; for events, counts of which most are 0. */
export function noise(input: number[], count: number, seed: number): Samples {
  const random = new Random(seed, 'noise');
  const events = input.length === 4;
  const numbers = Float32Array.from({ length: count * tf.util.sizeFromShape(input) }, () =>
    events ? Number(random.next() < 0.05) : random.normal(),
  );
  return {
    x: tf.tensor(numbers, [count, ...input]),
    what: `${count} samples of ${events ? 'random events' : 'normal noise'} (seed ${seed}): give --data for real ones`,
  };
}
