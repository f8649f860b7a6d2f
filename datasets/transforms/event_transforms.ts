/**
 * Augmentation of event frames, the same for all frames of a sample: a flip, then one geometric
 * change or a hole, by one of two policies.
 *
 * 'snn-augment-wide': that of the authors' scripts for CIFAR10-DVS and DVS128 Gesture (Spikformer's
 * SNNAugmentWide): nothing, shear along x, a shift along x or y, a rotation, or a square hole.
 * 'nda': neuromorphic data augmentation (Li et al., arXiv 2203.06145): roll, rotation, hole or shear,
 * each growing with `intensity`.
 */
import type { Random } from '../../lib/random';
import { checkCount, checkFinite, checkKeys, checkOneOf, invalid } from '../../lib/validate';
import type { Sample } from '../sample';
import { configured, type Transform } from './transform';
import type { EventTransformOptions } from './transform_options';

/**
 * ```ts
 * const transform = eventTransforms({policy: 'nda'});
 * const sample = transform(await source.read(i), new Random(seed, 'epoch', epoch, 'sample', i));
 * ```
 */
export function eventTransforms(options: EventTransformOptions = {}): Transform {
  checkKeys('eventTransforms', options, ['policy', 'hflip', 'intensity']);
  const { policy = 'snn-augment-wide', hflip = 0.5, intensity = 2 } = options;
  checkOneOf('policy', policy, ['snn-augment-wide', 'nda', 'none'] as const);
  checkFinite('hflip', hflip);
  if (hflip < 0 || hflip > 1) throw invalid('hflip', 'from 0 to 1', hflip);
  checkCount('intensity', intensity, 100);

  const apply = (sample: Sample, random: Random): Sample => {
    checkFrames(sample);
    const flipped =
      random.next() < hflip
        ? move(sample, ([, width]) => (x, y) => [width - 1 - x, y])
        : sample;
    if (policy === 'none') return flipped;
    return policy === 'nda' ? nda(flipped, intensity, random) : augmentWide(flipped, random);
  };
  return configured(apply, { name: 'events', options });
}

function checkFrames({ shape, data }: Sample): void {
  if (shape.length !== 4 || data.length !== shape.reduce((a, b) => a * b)) {
    throw invalid('the sample of an event transform', 'of shape [time, height, width, 2]', shape);
  }
}

const RADIANS = Math.PI / 180;
/** A magnitude is one of so many, evenly from -most to most. */
const BINS = 31;

function augmentWide(sample: Sample, random: Random): Sample {
  const [, height, width] = sample.shape;
  const magnitude = (most: number) => (most * (2 * random.integer(BINS) - (BINS - 1))) / (BINS - 1);
  switch (random.integer(6)) {
    case 0:
      return sample;
    case 1:
      return shear(sample, magnitude(0.3));
    case 2:
      return shift(sample, Math.trunc(magnitude(5)), 0);
    case 3:
      return shift(sample, 0, Math.trunc(magnitude(5)));
    case 4:
      return rotate(sample, magnitude(30));
    default: {
      // torchvision's RandomErasing(scale=(0.001, 0.11), ratio=(1, 1))
      const side = Math.round(Math.sqrt(random.uniform(0.001, 0.11) * height * width));
      if (side >= height || side >= width) return sample;
      const top = random.integer(height - side + 1);
      const left = random.integer(width - side + 1);
      return hole(sample, left, top, left + side, top + side);
    }
  }
}

function nda(sample: Sample, intensity: number, random: Random): Sample {
  const [, height, width] = sample.shape;
  const turn = () => random.uniform(-15 * intensity, 15 * intensity);
  switch (random.integer(4)) {
    case 0: {
      const most = 2 * intensity + 1;
      const offset = () => random.integer(2 * most + 1) - most;
      return roll(sample, offset(), offset());
    }
    case 1:
      return rotate(sample, turn());
    case 2: {
      const [x, y, half] = [random.integer(width), random.integer(height), 4 * intensity];
      return hole(sample, x - half, y - half, x + half, y + half);
    }
    default:
      return shear(sample, turn() * RADIANS);
  }
}

type Source = (x: number, y: number) => readonly [number, number];

/** Each pixel from where it comes, to the nearest; zero where that is outside. */
function move({ data, shape, label }: Sample, from: (size: [number, number]) => Source): Sample {
  const [time, height, width, channels] = shape;
  const source = from([height, width]);
  const out = new (data.constructor as new (n: number) => typeof data)(data.length);
  const frame = height * width * channels;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = source(x, y);
      const [column, row] = [Math.round(fromX), Math.round(fromY)];
      if (column < 0 || column >= width || row < 0 || row >= height) continue;
      const to = (y * width + x) * channels;
      const at = (row * width + column) * channels;
      for (let t = 0; t < time; t++) {
        for (let c = 0; c < channels; c++) out[t * frame + to + c] = data[t * frame + at + c];
      }
    }
  }
  return { data: out, shape, label };
}

/** To the right and down; zeros follow. */
const shift = (sample: Sample, dx: number, dy: number): Sample =>
  move(sample, () => (x, y) => [x - dx, y - dy]);

/** To the right and down; what leaves at one side comes in at the other. */
const roll = (sample: Sample, dx: number, dy: number): Sample =>
  move(sample, ([height, width]) => (x, y) => [
    (((x - dx) % width) + width) % width,
    (((y - dy) % height) + height) % height,
  ]);

/** Rows moved along x by the tangent of the angle (radians) times their distance from the middle. */
const shear = (sample: Sample, angle: number): Sample =>
  move(sample, ([height]) => (x, y) => [x + Math.tan(angle) * (y - (height - 1) / 2), y]);

/** Counter-clockwise about the middle, degrees. */
const rotate = (sample: Sample, degrees: number): Sample =>
  move(sample, ([height, width]) => {
    const [cos, sin] = [Math.cos(degrees * RADIANS), Math.sin(degrees * RADIANS)];
    const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
    return (x, y) => [cos * (x - cx) - sin * (y - cy) + cx, sin * (x - cx) + cos * (y - cy) + cy];
  });

/** Zeros at `left <= x < right`, `top <= y < bottom`, as far as that is inside. */
function hole(sample: Sample, left: number, top: number, right: number, bottom: number): Sample {
  return move(sample, () => (x, y) => {
    const inside = x >= left && x < right && y >= top && y < bottom;
    return inside ? [-1, -1] : [x, y];
  });
}
