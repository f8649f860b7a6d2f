/** The options of the transforms, plain data: what a configuration holds, and threads hand on. */
import type { Interpolation } from './affine';
import type { ColorJitter } from './color_jitter';
import type { Range } from './random_resized_crop';

/** Height and width, or both in one. */
export type ImageSize = number | readonly [height: number, width: number];

/** Options of `trainTransforms`. */
export interface TrainTransformOptions {
  size: ImageSize;
  /** Share of the area that the random crop keeps. Default [0.08, 1]. */
  scale?: Range;
  /** Width / height of the random crop. Default [3 / 4, 4 / 3]. */
  ratio?: Range;
  /** Chance to be flipped left to right. Default 0.5. */
  hflip?: number;
  /** Chance to be flipped upside down. Default 0. */
  vflip?: number;
  /** RandAugment, such as 'rand-m9-n1-mstd0.4-inc1'; color jitter is then off, as in timm. */
  autoAugment?: string | null;
  /** One range for brightness, contrast and saturation, or theirs and hue's. Default 0.4. */
  colorJitter?: number | ColorJitter | null;
  /** Of the crop and of RandAugment. Default 'random'. */
  interpolation?: Interpolation | 'random';
  /** The data set's mean, 0..1 a channel: RandAugment's fill. Default ImageNet's. */
  mean?: readonly number[];
}

/** Options of `evalTransforms`. */
export interface EvalTransformOptions {
  size: ImageSize;
  /** The shorter side becomes size / cropPct before the middle is cut out. Default 0.875. */
  cropPct?: number;
  /** Default 'bilinear'. */
  interpolation?: Interpolation;
}

/** Options of `eventTransforms`. */
export interface EventTransformOptions {
  /** Default 'snn-augment-wide'; 'none' only flips. */
  policy?: 'snn-augment-wide' | 'nda' | 'none';
  /** Chance to be flipped left to right. Default 0.5. */
  hflip?: number;
  /**
   * N of 'nda': rolls up to 2 N + 1 pixels, rotations and shears up to 15 N degrees, holes of 8 N
   * pixels; 100 at most. Default 2.
   */
  intensity?: number;
}

/** Options of `textTransforms`. */
export interface TextTransformOptions {
  /** Chance of each token to be taken away, from 0 to below 1. */
  probability: number;
  /** The id that stands in its place, such as that of [UNK]. */
  unknownId: number;
  /** The id of padding, which stays. */
  padId: number;
}
