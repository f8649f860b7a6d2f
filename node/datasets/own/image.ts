/** One image of a file as samples of your own data are kept: decoded, no larger than training needs. */
import { DatasetError } from '../../../datasets/dataset_error';
import { luma, sampleOf } from '../../../datasets/transforms/image';
import { resizeShorterSide } from '../../../datasets/transforms/resize';
import { decodeImageBytes, imageExtensions as extensions, imageSize } from '../_decode_image';

export const imageExtensions = extensions;

/** Pixels of the largest image: 300 MB decoded. */
const MOST_PIXELS = 1e8;
/** How many times longer than the other a side may be: resized, a thin line would be no smaller than a wall. */
const MOST_RATIO = 50;

/** What is kept of an image. */
export interface ImageRules {
  /** The shorter side, in pixels; smaller images stay as they are. */
  side: number;
  channels: 1 | 3;
  interpolation: 'bilinear' | 'bicubic';
}

/** The rules for a network that takes images of this size, by the recipe's `evaluation`. */
export function imageRules(
  size: readonly [height: number, width: number],
  channels: 1 | 3,
  { cropPct = 1, interpolation = 'bilinear' }: Evaluation = {},
): ImageRules {
  return { side: Math.floor(Math.max(...size) / cropPct), channels, interpolation };
}

/** See evalTransforms. */
interface Evaluation {
  cropPct?: number;
  interpolation?: ImageRules['interpolation'];
}

/** @throws DatasetError if it is no image, one of more than 100 million pixels, or a thin line */
export async function sizeOfImage(
  bytes: Buffer,
  name: string,
): Promise<{ width: number; height: number }> {
  const { width, height } = await imageSize(bytes, name);
  const ratio = Math.max(width, height) / Math.min(width, height);
  if (width * height <= MOST_PIXELS && ratio <= MOST_RATIO) return { width, height };
  throw new DatasetError(
    `${name} must have at most ${MOST_PIXELS / 1e6} million pixels and sides at most ${MOST_RATIO} to 1, ` +
      `but has ${width} x ${height}`,
  );
}

/** Bytes `[height, width, channels]` of an image file. @throws DatasetError if it cannot be decoded */
export async function readImage(bytes: Buffer, name: string, rules: ImageRules) {
  await sizeOfImage(bytes, name);
  const { data, width, height } = await decodeImageBytes(bytes, name);
  const color = { data, width, height, channels: 3 };
  const image = rules.channels === 1 ? { ...color, data: luma(color), channels: 1 } : color;
  const small =
    Math.min(width, height) > rules.side
      ? resizeShorterSide(image, rules.side, rules.interpolation)
      : image;
  return sampleOf(small, 0);
}
