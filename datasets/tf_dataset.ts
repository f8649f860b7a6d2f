/** A source of samples as a `tf.data.Dataset`, of known length, for `model.fitDataset` and its like. */
import * as tf from '@tensorflow/tfjs';
import { checkBoolean, checkKeys } from '../lib/validate';
import { DatasetError } from './dataset_error';
import type { Sample, SampleSource } from './sample';

/** Options of `toTfDataset`. */
export interface TfDatasetOptions {
  /** (x / 255 - mean) / std per channel, for sources that have mean and std. Default false: x / 255. */
  normalize?: boolean;
}

/** `xs`: a sample's tensor; `ys`: its class as a one-hot vector `[classes]`. */
export type TfSample = { xs: tf.Tensor; ys: tf.Tensor1D };

/**
 * The samples in order: bytes as x / 255, counts of events as they are. `size` is the number of
 * samples, so `.batch(n).size` is the number of batches; shuffle with `.shuffle(n, seed)`.
 *
 * ```ts
 * const train = toTfDataset(await cifar10({split: 'train'}), {normalize: true});
 * await model.fitDataset(train.shuffle(10_000, '1').batch(64), {epochs: 3});
 * ```
 *
 * @throws DatasetError where normalize is asked of a source without mean and std
 */
export function toTfDataset(
  source: SampleSource,
  options: TfDatasetOptions = {},
): tf.data.Dataset<TfSample> {
  checkKeys('toTfDataset', options, ['normalize']);
  const { normalize = false } = options;
  checkBoolean('normalize', normalize);
  const { mean, std } = source;
  if (normalize && (mean === undefined || std === undefined)) {
    throw new DatasetError(
      `normalize needs a source with mean and std, but ${source.name} has none`,
    );
  }
  const dataset = tf.data.generator(async function* () {
    for (let i = 0; i < source.length; i++) {
      const sample = await source.read(i);
      const data = normalize ? normalized(sample, mean!, std!) : scaled(sample);
      const ys = new Float32Array(source.classNames.length);
      ys[sample.label] = 1;
      yield { xs: tf.tensor(data, sample.shape), ys: tf.tensor1d(ys) };
    }
    // tfjs's type asks for a plain generator, its code awaits one.
  } as unknown as () => Generator<TfSample>);
  // What a generator cannot know; batch, take and repeat calculate with it.
  return Object.assign(dataset, { size: source.length }) as tf.data.Dataset<TfSample>;
}

function scaled({ data }: Sample): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data, (byte) => byte / 255);
}

function normalized(
  { data, shape }: Sample,
  mean: readonly number[],
  std: readonly number[],
): Float32Array {
  const channels = shape[shape.length - 1];
  const scale = data instanceof Float32Array ? 1 : 255;
  return Float32Array.from(data, (x, i) => (x / scale - mean[i % channels]) / std[i % channels]);
}
