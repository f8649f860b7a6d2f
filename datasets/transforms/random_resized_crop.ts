/** A part of random area and shape, resized (Szegedy et al., arXiv 1409.4842), as timm 0.6.12 has it. */
import type { Random } from '../../lib/random';
import type { Interpolation } from './affine';
import { crop, type Image, roundHalfToEven } from './image';
import { resize } from './resize';

/** From least to greatest. */
export type Range = readonly [number, number];

export interface CropBox {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * A part of `scale` of the image's area, its width / height log-uniform in `ratio`: ten tries to fit
 * it in, then the largest in the middle whose shape is within `ratio`.
 */
export function drawCrop(image: Image, scale: Range, ratio: Range, random: Random): CropBox {
  const area = image.width * image.height;
  for (let attempt = 0; attempt < 10; attempt++) {
    const target = random.uniform(...scale) * area;
    const shape = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const width = roundHalfToEven(Math.sqrt(target * shape));
    const height = roundHalfToEven(Math.sqrt(target / shape));
    if (width <= image.width && height <= image.height && width > 0 && height > 0) {
      const top = random.integer(image.height - height + 1);
      const left = random.integer(image.width - width + 1);
      return { left, top, width, height };
    }
  }
  let { width, height } = image;
  if (width / height < ratio[0]) height = roundHalfToEven(width / ratio[0]);
  else if (width / height > ratio[1]) width = roundHalfToEven(height * ratio[1]);
  return {
    left: Math.floor((image.width - width) / 2),
    top: Math.floor((image.height - height) / 2),
    width,
    height,
  };
}

export interface RandomResizedCropOptions {
  height: number;
  width: number;
  /** Share of the image's area. */
  scale: Range;
  /** Width / height of the part. */
  ratio: Range;
  /** 'random' draws one of the two. */
  interpolation: Interpolation | 'random';
}

export function randomResizedCrop(
  image: Image,
  { height, width, scale, ratio, interpolation }: RandomResizedCropOptions,
  random: Random,
): Image {
  const box = drawCrop(image, scale, ratio, random);
  const by =
    interpolation === 'random' ? random.choice(['bilinear', 'bicubic'] as const) : interpolation;
  return resize(crop(image, box.left, box.top, box.width, box.height), width, height, by);
}
