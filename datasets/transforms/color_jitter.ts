/** Brightness, contrast, saturation and hue changed at random, in random order: torchvision's ColorJitter. */
import type { Random } from '../../lib/random';
import { brightness, color, contrast, hue } from './enhance';
import type { Image } from './image';

/**
 * How far factors go from 1 to either side, not below 0; hue's goes from 0, in circles. timm: a
 * scalar stands for the first three, without hue.
 */
export type ColorJitter = readonly [
  brightness: number,
  contrast: number,
  saturation: number,
  hue?: number,
];

export function colorJitter(image: Image, jitter: ColorJitter, random: Random): Image {
  const order = random.permutation(4);
  const [ofBrightness, ofContrast, ofSaturation, ofHue = 0] = jitter;
  const factor = (range: number) => random.uniform(Math.max(0, 1 - range), 1 + range);
  const steps: ((image: Image) => Image)[] = [
    [brightness, ofBrightness] as const,
    [contrast, ofContrast] as const,
    [color, ofSaturation] as const,
  ].map(([op, range]) => {
    const by = factor(range);
    return (x) => (range === 0 ? x : op(x, by));
  });
  const turn = random.uniform(-ofHue, ofHue);
  steps.push((x) => (ofHue === 0 ? x : hue(x, turn)));
  return Array.from(order).reduce((x, i) => steps[i](x), image);
}
