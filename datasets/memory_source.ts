/** A split of a data set that is held in memory, once, however many threads read it. */
import { invalid } from '../lib/validate';
import { DatasetError } from './dataset_error';
import type { SampleSource, WorkerSpec } from './sample';

/** All samples of a split, one after another. */
export interface MemorySamples {
  name: string;
  split: string;
  data: Uint8Array | Float32Array;
  /** Of one sample: `[height, width, channels]` or `[time, height, width, 2]`. */
  shape: readonly number[];
  /** Index into `classNames` of each sample. */
  labels: Uint8Array | Uint16Array | Int32Array;
  classNames: readonly string[];
  mean?: readonly number[];
  std?: readonly number[];
  /** As of SampleSource. */
  fingerprint?: string;
}

/**
 * A source of these samples; each `read` copies one. The first use of `workerSpec` moves the numbers
 * into shared memory, if they are not there, so that workers read the same bytes.
 *
 * @throws DatasetError where the sizes do not fit each other or a label is no class
 */
export function memorySource(samples: MemorySamples): SampleSource {
  const { name, split, shape, labels, classNames, mean, std, fingerprint } = samples;
  let { data } = samples;
  const size = shape.reduce((a, b) => a * b, 1);
  if (data.length !== size * labels.length) {
    throw new DatasetError(
      `data must hold ${labels.length} samples of shape [${shape}], one per label, but has ` +
        `${data.length} values`,
    );
  }
  const wrong = labels.findIndex((label) => !(label >= 0 && label < classNames.length));
  if (wrong >= 0) {
    throw new DatasetError(
      `label of sample ${wrong} must be from 0 to ${classNames.length - 1}, but got ${labels[wrong]}`,
    );
  }
  return {
    name,
    split,
    length: labels.length,
    classNames,
    mean,
    std,
    fingerprint,
    read(index) {
      checkIndex(index, labels.length);
      return {
        data: data.slice(index * size, (index + 1) * size),
        shape: [...shape],
        label: labels[index],
      };
    },
    get workerSpec(): WorkerSpec {
      data = shared(data);
      return { name: 'memory', options: { ...samples, data } satisfies MemorySamples };
    },
  };
}

/** @throws RangeError where `index` is none of 0..length - 1 */
export function checkIndex(index: number, length: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= length) {
    throw new RangeError(invalid('index', `an integer from 0 to ${length - 1}`, index).message);
  }
}

/** The same numbers in shared memory, where the platform has it. */
function shared<T extends Uint8Array | Float32Array>(data: T): T {
  if (typeof SharedArrayBuffer === 'undefined' || data.buffer instanceof SharedArrayBuffer) {
    return data;
  }
  const Type = data.constructor as new (buffer: SharedArrayBuffer) => T;
  const copy = new Type(new SharedArrayBuffer(data.byteLength));
  copy.set(data);
  return copy;
}
