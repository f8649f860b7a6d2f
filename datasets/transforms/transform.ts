/** What a transform is: a function of a sample and a stream of random numbers, and its configuration. */
import type { Random } from '../../lib/random';
import type { Sample } from '../sample';
import type {
  EvalTransformOptions,
  EventTransformOptions,
  TextTransformOptions,
  TrainTransformOptions,
} from './transform_options';

/**
 * A new sample; all chance comes from `random`, so that the same stream gives the same sample.
 * Any function of this kind serves in this thread; those with a `config` in worker threads too.
 */
export interface Transform {
  (sample: Sample, random: Random): Sample;
  readonly config?: TransformConfig;
}

/** A transform as plain data: which builder, with which options. */
export type TransformConfig =
  | { name: 'train'; options: TrainTransformOptions }
  | { name: 'eval'; options: EvalTransformOptions }
  | { name: 'events'; options: EventTransformOptions }
  | { name: 'text'; options: TextTransformOptions };

/** A function as the transform of that configuration. */
export function configured(apply: Transform, config: TransformConfig): Transform {
  return Object.assign((sample: Sample, random: Random) => apply(sample, random), { config });
}
