/**
 * CIFAR-10 and CIFAR-100, binary version (www.cs.toronto.edu/~kriz/cifar.html): records of one or
 * two label bytes and 3072 pixels, the red plane of 32 x 32 first, then green, then blue.
 */
import { asBytes, DatasetError } from './dataset_error';

/** Images with channels last, and their classes. */
export interface Cifar10 {
  /** Pixels 0 to 255, row-major in `shape`. */
  images: Uint8Array;
  /** `[images, 32, 32, 3]` */
  shape: [number, number, number, number];
  /** Class 0 to 9 of each image. */
  labels: Uint8Array;
}

/** As Cifar10, with the fine classes as `labels`. */
export interface Cifar100 extends Cifar10 {
  /** Fine class 0 to 99 of each image. */
  labels: Uint8Array;
  /** Coarse class 0 to 19 of each image. */
  coarseLabels: Uint8Array;
}

const SIZE = 32;
const PLANE = SIZE * SIZE;
const PIXELS = 3 * PLANE;

/**
 * Reads `data_batch_1.bin` and its like. Throws a DatasetError where the bytes are no whole number
 * of records or a label is no class.
 *
 * ```ts
 * const {images, shape, labels} = readCifar10(bytes);
 * const x = tf.tensor4d(images, shape).div(255);
 * ```
 */
export function readCifar10(bytes: Uint8Array | ArrayBuffer): Cifar10 {
  const { images, shape, labels } = readRecords(bytes, 'CIFAR-10', [10]);
  return { images, shape, labels: labels[0] };
}

/** Reads `train.bin` or `test.bin` of CIFAR-100. Throws as readCifar10 does. */
export function readCifar100(bytes: Uint8Array | ArrayBuffer): Cifar100 {
  const { images, shape, labels } = readRecords(bytes, 'CIFAR-100', [20, 100]);
  return { images, shape, labels: labels[1], coarseLabels: labels[0] };
}

/** Records that begin with one label byte for each entry of `classes`. */
function readRecords(
  bytes: Uint8Array | ArrayBuffer,
  what: string,
  classes: readonly number[],
): { images: Uint8Array; shape: Cifar10['shape']; labels: Uint8Array[] } {
  const file = asBytes(bytes);
  const record = classes.length + PIXELS;
  const count = file.length / record;
  if (!Number.isInteger(count) || count === 0) {
    throw new DatasetError(
      `a ${what} file must hold whole records of ${record} bytes, at least one, but has ${file.length} ` +
        `bytes: ${Math.floor(count)} records and ${file.length % record} bytes`,
    );
  }
  const images = new Uint8Array(count * PIXELS);
  const labels = classes.map(() => new Uint8Array(count));
  for (let i = 0; i < count; i++) {
    const start = i * record;
    classes.forEach((limit, kind) => {
      const label = file[start + kind];
      if (label >= limit) {
        throw new DatasetError(
          `label of ${what} record ${i} must be from 0 to ${limit - 1}, but got ${label}`,
        );
      }
      labels[kind][i] = label;
    });
    planesToPixels(file.subarray(start + classes.length, start + record), images, i * PIXELS);
  }
  return { images, shape: [count, SIZE, SIZE, 3], labels };
}

/** Red, green and blue planes to pixels of three channels. */
function planesToPixels(planes: Uint8Array, out: Uint8Array, at: number): void {
  for (let pixel = 0; pixel < PLANE; pixel++) {
    out[at++] = planes[pixel];
    out[at++] = planes[PLANE + pixel];
    out[at++] = planes[2 * PLANE + pixel];
  }
}
