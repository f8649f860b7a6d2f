/**
 * Mixup (Zhang et al., arXiv 1710.09412) and CutMix (Yun et al., arXiv 1905.04899) as timm draws and computes them:
 * sample i of a batch of n is mixed with sample n - 1 - i, all with the same lambda.
 */
import type { Random } from '../lib/random';
import { checkKeys, invalid } from '../lib/validate';
import { smoothTargets } from './losses';

/** Options of mixup (arXiv 1710.09412) and CutMix (arXiv 1905.04899), as in timm. */
export interface MixupConfig {
  /** Mixup draws lambda from Beta(alpha, alpha); 0: no mixup. Default 0. */
  alpha?: number;
  /** The same for CutMix; 0: no CutMix. Default 0. */
  cutmixAlpha?: number;
  /** Share of batches to mix. Default 1. */
  probability?: number;
  /** If both are on, the share of mixed batches that CutMix gets. Default 0.5. */
  switchProbability?: number;
  /** The first epoch without mixing; label smoothing stays. Default: never. */
  offEpoch?: number;
}

/** Rows and columns that come from the partner: from `top` to before `bottom`, `left` to before `right`. */
export interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** How one batch is mixed. */
export interface Mixing {
  /** The share that each sample keeps of itself; 1: nothing is mixed. */
  lambda: number;
  /** CutMix's box; if absent, mixup. */
  box?: Box;
}

const keys = ['alpha', 'cutmixAlpha', 'probability', 'switchProbability', 'offEpoch'];

/** Throws if a configuration is invalid. */
export function checkMixup(config: MixupConfig): void {
  checkKeys('mixup', config, keys);
  const { alpha = 0, cutmixAlpha = 0, probability = 1, switchProbability = 0.5, offEpoch } = config;
  for (const [name, value] of Object.entries({ alpha, cutmixAlpha })) {
    if (!(value >= 0 && value < Infinity)) throw invalid(name, 'a number from 0', value);
  }
  for (const [name, value] of Object.entries({ probability, switchProbability })) {
    if (!(value >= 0 && value <= 1)) throw invalid(name, 'a number from 0 to 1', value);
  }
  if (offEpoch !== undefined && !(Number.isSafeInteger(offEpoch) && offEpoch >= 0)) {
    throw invalid('offEpoch', 'an integer from 0', offEpoch);
  }
}

/** Draws how to mix a batch of images `height` x `width` in that epoch. */
export function drawMixing(
  random: Random,
  config: MixupConfig,
  epoch: number,
  height: number,
  width: number,
): Mixing {
  const { alpha = 0, cutmixAlpha = 0, probability = 1, switchProbability = 0.5 } = config;
  const { offEpoch = Infinity } = config;
  if ((alpha === 0 && cutmixAlpha === 0) || epoch >= offEpoch || random.next() >= probability) {
    return { lambda: 1 };
  }
  const cutmix = cutmixAlpha > 0 && (alpha === 0 || random.next() < switchProbability);
  const drawn = cutmix ? random.beta(cutmixAlpha, cutmixAlpha) : random.beta(alpha, alpha);
  if (!cutmix || drawn === 1) return { lambda: drawn };
  const box = cutmixBox(height, width, drawn, random.integer(height), random.integer(width));
  return { lambda: boxLambda(box, height, width), box };
}

/** The box around (y, x) that covers a share 1 - lambda of the image, cropped at its edges. */
export function cutmixBox(
  height: number,
  width: number,
  lambda: number,
  y: number,
  x: number,
): Box {
  const ratio = Math.sqrt(1 - lambda);
  const clip = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const halfHeight = Math.floor(Math.floor(height * ratio) / 2);
  const halfWidth = Math.floor(Math.floor(width * ratio) / 2);
  return {
    top: clip(y - halfHeight, height),
    bottom: clip(y + halfHeight, height),
    left: clip(x - halfWidth, width),
    right: clip(x + halfWidth, width),
  };
}

/** The share of an image outside a box. */
export function boxLambda(
  { top, bottom, left, right }: Box,
  height: number,
  width: number,
): number {
  return 1 - ((bottom - top) * (right - left)) / (height * width);
}

/**
 * Mixes a batch `[batch, ..., height, width, channels]` in place. Bytes are rounded to the nearest, halves to even,
 * after float32 arithmetic, as in timm's FastCollateMixup; floats are not rounded.
 */
export function mixSamples(
  data: Uint8Array | Float32Array,
  shape: readonly number[],
  { lambda, box }: Mixing,
): void {
  if (lambda === 1) return;
  const batch = shape[0]!;
  const size = data.length / batch;
  const blend = box ? cutInto(shape, box) : blendInto(data instanceof Uint8Array, lambda);
  // Both samples of a pair are computed from their originals: i and its partner together, a middle one alone.
  for (let i = 0; i < Math.ceil(batch / 2); i++) {
    const one = data.subarray(i * size, (i + 1) * size);
    const other = data.subarray((batch - 1 - i) * size, (batch - i) * size);
    blend(one, other);
  }
}

type Values = Uint8Array | Float32Array;

function blendInto(bytes: boolean, lambda: number) {
  const keep = Math.fround(lambda);
  const take = Math.fround(1 - lambda);
  const { fround } = Math;
  const mix = (a: number, b: number) => fround(fround(a * keep) + fround(b * take));
  const store = bytes ? roundHalfToEven : (value: number) => value;
  return (one: Values, other: Values) => {
    for (let k = 0; k < one.length; k++) {
      const [a, b] = [one[k]!, other[k]!];
      one[k] = store(mix(a, b));
      other[k] = store(mix(b, a));
    }
  };
}

function cutInto(shape: readonly number[], { top, bottom, left, right }: Box) {
  const [height, width, channels] = shape.slice(-3) as [number, number, number];
  return (one: Values, other: Values) => {
    for (let frame = 0; frame < one.length; frame += height * width * channels) {
      for (let y = top; y < bottom; y++) {
        const from = frame + (y * width + left) * channels;
        const to = frame + (y * width + right) * channels;
        const kept = one.slice(from, to);
        one.set(other.subarray(from, to), from);
        other.set(kept, from);
      }
    }
  };
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** `[batch, numClasses]` targets of a mixed batch: lambda times a sample's own plus the rest of its partner's. */
export function mixTargets(
  labels: ArrayLike<number>,
  numClasses: number,
  lambda: number,
  smoothing = 0,
): Float32Array {
  const own = smoothTargets(labels, numClasses, smoothing);
  if (lambda === 1) return own;
  const mixed = new Float32Array(own.length);
  for (let i = 0; i < labels.length; i++) {
    const partner = labels.length - 1 - i;
    for (let k = 0; k < numClasses; k++) {
      mixed[i * numClasses + k] =
        lambda * own[i * numClasses + k]! + (1 - lambda) * own[partner * numClasses + k]!;
    }
  }
  return mixed;
}
