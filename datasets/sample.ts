/** What a data set gives: samples by index, plain typed arrays without tensors, and batches of them. */

/** One sample: an image [height, width, channels], or frames of events [time, height, width, 2]. */
export interface Sample {
  /** Bytes 0..255 of an image; floats of frames, or of an image already normalized. */
  data: Uint8Array | Float32Array;
  shape: number[];
  /** Index into the data set's `classNames`. */
  label: number;
}

/**
 * How a worker thread makes a source anew: `name` is one that node/_worker_sources.ts knows, or the
 * `file:` URL of a module whose default export is `(options) => SampleSource | Promise<SampleSource>`.
 * `options` go there by structured clone: paths, and large arrays over a SharedArrayBuffer, which is
 * not copied. Sources in memory get theirs from `memorySource`.
 */
export interface WorkerSpec {
  name: string;
  options: unknown;
}

/**
 * A split of a data set with random access. Order, shuffling and batches are the caller's
 * business: sample `i` is the same whoever asks, and however often.
 */
export interface SampleSource {
  /** `cifar10`, ... */
  readonly name: string;
  /** `train` or `test`. */
  readonly split: string;
  readonly length: number;
  readonly classNames: readonly string[];
  /** Per channel, of values in 0..1; absent where nothing is normalized. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** Tells these samples from others of the same name: a run that is resumed checks it. Absent: nothing is known. */
  readonly fingerprint?: string;
  /** Absent where only this thread can read the source. */
  readonly workerSpec?: WorkerSpec;
  /** @throws RangeError where `index` is none of 0..length - 1 */
  read(index: number): Sample | Promise<Sample>;
}

/** Samples of one shape, one after another. */
export interface Batch {
  data: Uint8Array | Float32Array;
  /** `[batch, ...sample]`. */
  shape: number[];
  labels: Int32Array;
  /** Where in the source each sample came from. */
  indices: Int32Array;
}
