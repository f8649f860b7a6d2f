/**
 * The transforms of image recipes under timm's names, equal in law to timm 0.6.12's create_transform
 * up to the tensor: bytes come out, which a training loop mixes, normalizes and erases.
 */

import type { Random } from '../../lib/random';
import { checkCount, checkFinite, checkKeys, checkOneOf, invalid } from '../../lib/validate';
import { dataSets } from '../data_sets';
import type { Sample } from '../sample';
import { type ColorJitter, colorJitter } from './color_jitter';
import { flipHorizontally, flipVertically, imageOf, roundHalfToEven, sampleOf } from './image';
import { parseRandAugment, randAugment } from './rand_augment';
import { type Range, randomResizedCrop } from './random_resized_crop';
import { centerCrop, resize, resizeShorterSide } from './resize';
import { configured, type Transform } from './transform';
import type { EvalTransformOptions, TrainTransformOptions } from './transform_options';

/** An image of so many pixels a side takes 768 MiB. */
const MOST_SIDE = 2 ** 14;

const IMAGENET_MEAN = dataSets.imagenet.mean;

/**
 * Random resized crop, flips, then RandAugment or color jitter.
 *
 * ```ts
 * const transform = trainTransforms({size: 32, scale: [1, 1], ratio: [1, 1], interpolation: 'bicubic',
 *   autoAugment: 'rand-m9-n1-mstd0.4-inc1', mean: source.mean});
 * const sample = transform(await source.read(i), new Random(seed, 'epoch', epoch, 'sample', i));
 * ```
 */
export function trainTransforms(options: TrainTransformOptions): Transform {
  checkKeys('trainTransforms', options, [
    ...['size', 'scale', 'ratio', 'hflip', 'vflip', 'autoAugment', 'colorJitter'],
    ...['interpolation', 'mean'],
  ]);
  const { hflip = 0.5, vflip = 0, interpolation = 'random', mean = IMAGENET_MEAN } = options;
  const { autoAugment = null, colorJitter: jitter = 0.4 } = options;
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = options;
  const [height, width] = checkSize(options.size);
  checkRange('scale', scale, 1);
  checkRange('ratio', ratio, Number.MAX_VALUE);
  checkChance('hflip', hflip);
  checkChance('vflip', vflip);
  checkOneOf('interpolation', interpolation, ['bilinear', 'bicubic', 'random'] as const);
  if (![1, 3].includes(mean?.length) || !mean.every((m) => m >= 0 && m <= 1)) {
    throw invalid('mean', 'one or three numbers from 0 to 1', mean);
  }
  const fill = mean.map((m) => roundHalfToEven(255 * m));
  const augment = autoAugment === null ? null : parseRandAugment(autoAugment);
  const factors = augment || jitter === null ? null : checkJitter(jitter);
  const crop = { height, width, scale, ratio, interpolation };

  const apply = (sample: Sample, random: Random): Sample => {
    const whole = imageOf(sample);
    if (augment && whole.channels > fill.length) {
      throw invalid('mean', `${whole.channels} numbers, as the image has channels`, mean);
    }
    let image = randomResizedCrop(whole, crop, random);
    if (hflip > 0 && random.next() < hflip) image = flipHorizontally(image);
    if (vflip > 0 && random.next() < vflip) image = flipVertically(image);
    if (augment) image = randAugment(image, augment, interpolation, fill, random);
    else if (factors) image = colorJitter(image, factors, random);
    return sampleOf(image, sample.label);
  };
  return configured(apply, { name: 'train', options });
}

/** Resize and center crop; where height and width differ, a resize to both divided by cropPct. */
export function evalTransforms(options: EvalTransformOptions): Transform {
  checkKeys('evalTransforms', options, ['size', 'cropPct', 'interpolation']);
  const { cropPct = 0.875, interpolation = 'bilinear' } = options;
  const [height, width] = checkSize(options.size);
  if (!(cropPct > 0 && cropPct <= 1)) throw invalid('cropPct', 'above 0, 1 at most', cropPct);
  checkOneOf('interpolation', interpolation, ['bilinear', 'bicubic'] as const);
  const [tall, wide] = [height, width].map((n) => Math.floor(n / cropPct));
  if (Math.max(tall!, wide!) > MOST_SIDE) {
    throw invalid('size / cropPct', `${MOST_SIDE} pixels at most`, Math.max(tall!, wide!));
  }

  const apply = (sample: Sample): Sample => {
    const whole = imageOf(sample);
    const image =
      height === width
        ? resizeShorterSide(whole, tall, interpolation)
        : resize(whole, wide, tall, interpolation);
    return sampleOf(centerCrop(image, width, height), sample.label);
  };
  return configured(apply, { name: 'eval', options });
}

function checkSize(size: unknown): readonly [number, number] {
  const both = Array.isArray(size) && size.length === 2 ? size : [size, size];
  for (const n of both) checkCount('size', n, MOST_SIDE);
  return both as [number, number];
}

function checkRange(argument: string, range: Range, most: number): void {
  const right = Array.isArray(range) && range.length === 2 && 0 < range[0] && range[0] <= range[1];
  if (!right || !(range[1] <= most)) {
    const bound = most === 1 ? ', 1 at most' : '';
    throw invalid(argument, `two positive numbers, the lesser first${bound}`, range);
  }
}

function checkChance(argument: string, chance: number): void {
  checkFinite(argument, chance);
  if (chance < 0 || chance > 1) throw invalid(argument, 'from 0 to 1', chance);
}

function checkJitter(jitter: number | ColorJitter): ColorJitter {
  const [b, c, s, h = 0] = typeof jitter === 'number' ? [jitter, jitter, jitter] : jitter;
  const right = [b, c, s, h].every((x) => typeof x === 'number' && x >= 0 && x < Infinity);
  if (!right || h > 0.5) {
    throw invalid('colorJitter', 'ranges of 0 or more, of hue 0.5 at most', jitter);
  }
  return [b, c, s, h];
}
