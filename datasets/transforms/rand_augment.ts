/**
 * RandAugment (Cubuk et al., arXiv 1909.13719) as timm 0.6.12 has it: some of 15 operations, each
 * done with probability 0.5, at a magnitude around a given one.
 */
import type { Random } from '../../lib/random';
import { invalid } from '../../lib/validate';
import {
  type Fill,
  type Interpolation,
  rotate,
  shearX,
  shearY,
  translateX,
  translateY,
} from './affine';
import { brightness, color, contrast, sharpness } from './enhance';
import type { Image } from './image';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './point_ops';

/** RandAugment's settings (arXiv 1909.13719), with timm's names where they differ. */
export interface RandAugmentOptions {
  /** Mean of the magnitude, 0 to `magnitudeMax`. timm: m. Default 10. */
  magnitude: number;
  /** Operations an image gets. timm: n. Default 2. */
  numLayers: number;
  /** Standard deviation of the magnitude; infinite: uniform from 0. timm: mstd. Default 0. */
  magnitudeStd: number;
  /** Where magnitudes are cut off. timm: mmax. Default 10. */
  magnitudeMax: number;
  /** Greater magnitudes change more, in every operation. timm: inc. Default false. */
  increasing: boolean;
  /** Operations chosen by timm's weights, none twice, not with equal chances. timm: w0. Default false. */
  weighted: boolean;
}

/** What an operation is given, from a magnitude / 10: 0 to 1, more where magnitudeMax is above 10. */
type AmountOf = (level: number, random: Random) => number;

interface Operation {
  name: string;
  /** Chance in timm's weights 0. */
  weight: number;
  /** Absent where there is nothing to choose. */
  amount?: AmountOf;
  /** Where `increasing` asks for another. */
  increasing?: AmountOf;
  apply: (image: Image, amount: number, by: Interpolation, fill: Fill) => Image;
}

const negated = (x: number, random: Random) => (random.next() > 0.5 ? -x : x);

/** Up to `most` at magnitude 10, in either direction. */
const moved =
  (most: number): AmountOf =>
  (level, random) =>
    negated(level * most, random);

/** Factors from 0.1 to 1.9, 1 in the middle of the scale; or 1, and away from it to either side. */
const factors = {
  amount: (level: number) => level * 1.8 + 0.1,
  increasing: (level: number, random: Random) => Math.max(0.1, 1 + negated(level * 0.9, random)),
};

/** Operations on one image: each may make a copy of it. */
const MOST_LAYERS = 100;

/** timm's order, in which its choices are drawn. */
export const operations: readonly Operation[] = [
  { name: 'AutoContrast', weight: 0.025, apply: autoContrast },
  { name: 'Equalize', weight: 0.005, apply: equalize },
  { name: 'Invert', weight: 0, apply: invert },
  { name: 'Rotate', weight: 0.3, amount: moved(30), apply: rotate },
  {
    name: 'Posterize',
    weight: 0,
    amount: (level) => Math.min(8, Math.trunc(level * 4)),
    increasing: (level) => Math.max(0, 4 - Math.trunc(level * 4)),
    apply: posterize,
  },
  {
    name: 'Solarize',
    weight: 0.005,
    amount: (level) => Math.trunc(level * 256),
    increasing: (level) => 256 - Math.trunc(level * 256),
    apply: solarize,
  },
  {
    name: 'SolarizeAdd',
    weight: 0.005,
    amount: (level) => Math.trunc(level * 110),
    apply: solarizeAdd,
  },
  { name: 'Color', weight: 0.025, ...factors, apply: color },
  { name: 'Contrast', weight: 0.005, ...factors, apply: contrast },
  { name: 'Brightness', weight: 0.005, ...factors, apply: brightness },
  { name: 'Sharpness', weight: 0.025, ...factors, apply: sharpness },
  { name: 'ShearX', weight: 0.2, amount: moved(0.3), apply: shearX },
  { name: 'ShearY', weight: 0.2, amount: moved(0.3), apply: shearY },
  { name: 'TranslateXRel', weight: 0.1, amount: moved(0.45), apply: translateX },
  { name: 'TranslateYRel', weight: 0.1, amount: moved(0.45), apply: translateY },
];

/**
 * Reads timm's way of writing it, such as `rand-m9-n1-mstd0.4-inc1`.
 *
 * @throws where a section is none of m, n, w, mstd, mmax, inc with its number
 */
export function parseRandAugment(text: string): RandAugmentOptions {
  const options: RandAugmentOptions = {
    magnitude: 10,
    numLayers: 2,
    magnitudeStd: 0,
    magnitudeMax: 10,
    increasing: false,
    weighted: false,
  };
  const [first, ...sections] = String(text).split('-');
  const expected = "timm's rand, then m, n, w0, mstd, mmax or inc: 'rand-m9-n1-mstd0.4-inc1'";
  if (typeof text !== 'string' || first !== 'rand') throw invalid('autoAugment', expected, text);
  for (const section of sections) {
    const [, key, number] = /^([a-z]+)(\d+(?:\.\d+)?)$/.exec(section) ?? [];
    const value = Number(number);
    const whole = Number.isInteger(value);
    if (key === 'm' && whole) options.magnitude = value;
    else if (key === 'n' && whole && value > 0) options.numLayers = value;
    else if (key === 'mstd') options.magnitudeStd = value > 100 ? Number.POSITIVE_INFINITY : value;
    else if (key === 'mmax' && whole && value > 0) options.magnitudeMax = value;
    else if (key === 'w' && value === 0) options.weighted = true;
    // timm takes inc0 for true; whoever writes it does not.
    else if (key === 'inc' && (value === 0 || value === 1)) options.increasing = value === 1;
    else throw invalid('autoAugment', expected, text);
  }
  if (options.numLayers > MOST_LAYERS) {
    throw invalid('autoAugment', `timm's rand of n${MOST_LAYERS} at most`, text);
  }
  const choices = operations.filter(({ weight }) => weight > 0).length;
  if (options.weighted && options.numLayers > choices) {
    throw invalid(
      'autoAugment',
      `at most ${choices} operations where w0 lets none come twice`,
      text,
    );
  }
  return options;
}

/** An operation that has been drawn, and how strongly and in which direction it is done. */
export interface Augmentation {
  operation: Operation;
  amount: number;
  by: Interpolation;
}

/**
 * Draws the operations, then for each whether it is done, and how.
 *
 * @param interpolation 'random' draws bilinear or bicubic for each operation
 */
export function drawAugmentations(
  options: RandAugmentOptions,
  interpolation: Interpolation | 'random',
  random: Random,
): Augmentation[] {
  const { magnitude, magnitudeStd, magnitudeMax } = options;
  const drawn: Augmentation[] = [];
  for (const operation of choose(options, random)) {
    if (random.next() > 0.5) continue;
    let strength = magnitude;
    if (magnitudeStd === Number.POSITIVE_INFINITY) strength = random.uniform(0, magnitude);
    else if (magnitudeStd > 0) strength = random.normal(magnitude, magnitudeStd);
    const level = Math.max(0, Math.min(strength, magnitudeMax)) / 10;
    const { amount, increasing = amount } = operation;
    const amountOf = options.increasing ? increasing : amount;
    drawn.push({
      operation,
      amount: amountOf?.(level, random) ?? 0,
      by: interpolation === 'random' ? random.choice(['bilinear', 'bicubic']) : interpolation,
    });
  }
  return drawn;
}

/** The image after what is drawn for it; `fill` is what geometric operations put outside of it. */
export function randAugment(
  image: Image,
  options: RandAugmentOptions,
  interpolation: Interpolation | 'random',
  fill: Fill,
  random: Random,
): Image {
  return drawAugmentations(options, interpolation, random).reduce(
    (x, { operation, amount, by }) => operation.apply(x, amount, by, fill),
    image,
  );
}

function choose({ numLayers, weighted }: RandAugmentOptions, random: Random): Operation[] {
  if (!weighted) return Array.from({ length: numLayers }, () => random.choice(operations));
  const left = operations.filter(({ weight }) => weight > 0);
  return Array.from({ length: numLayers }, () => {
    const sums: number[] = [];
    for (const { weight } of left) sums.push((sums.at(-1) ?? 0) + weight);
    const drawn = random.next() * sums[sums.length - 1];
    const [chosen] = left.splice(
      sums.findIndex((sum) => drawn < sum),
      1,
    );
    return chosen;
  });
}
