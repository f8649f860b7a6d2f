/** What recipes do to samples and batches before training. */
export type { Interpolation } from './affine';
export type { ColorJitter } from './color_jitter';
export { createTransform } from './create_transform';
export { type EventTransformOptions, eventTransforms } from './event_transforms';
export {
  type EvalTransformOptions,
  evalTransforms,
  type ImageSize,
  type TrainTransformOptions,
  trainTransforms,
} from './image_transforms';
export { normalize } from './normalize';
export { parseRandAugment, type RandAugmentOptions } from './rand_augment';
export { type RandomErasingOptions, randomErasing } from './random_erasing';
export type { Range } from './random_resized_crop';
export type { Transform, TransformConfig } from './transform';
