/** What recipes do to samples and batches before training. */
export type { Interpolation } from './affine';
export type { ColorJitter } from './color_jitter';
export { createTransform } from './create_transform';
export { eventTransforms } from './event_transforms';
export { evalTransforms, trainTransforms } from './image_transforms';
export { normalize } from './normalize';
export { parseRandAugment, type RandAugmentOptions } from './rand_augment';
export { type RandomErasingOptions, randomErasing } from './random_erasing';
export type { Range } from './random_resized_crop';
export type { Transform, TransformConfig } from './transform';
export type {
  EvalTransformOptions,
  EventTransformOptions,
  ImageSize,
  TextTransformOptions,
  TrainTransformOptions,
} from './transform_options';
export { wordDropout } from './word_dropout';
