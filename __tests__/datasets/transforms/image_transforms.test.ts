/** What recipes do to images, put together from parts that have tests of their own. */
import {
  createTransform,
  type EvalTransformOptions,
  evalTransforms,
  type Sample,
  type TrainTransformOptions,
  trainTransforms,
} from 'tfjs-spikingformer/datasets';
import { flipHorizontally, flipVertically, imageOf } from '../../../datasets/transforms/image';
import { resize } from '../../../datasets/transforms/resize';
import { Random } from '../../../lib/random';
import { expectLaw } from './chi_square';

const sampleOfShape = (...shape: number[]): Sample => ({
  data: Uint8Array.from(
    { length: shape.reduce((a, b) => a * b) },
    (_, i) => (i * 53 + i / 7) % 256,
  ),
  shape,
  label: 4,
});

const cifar: TrainTransformOptions = {
  ...{ size: 32, scale: [1, 1], ratio: [1, 1], interpolation: 'bicubic' },
  autoAugment: 'rand-m9-n1-mstd0.4-inc1',
  mean: [0.4914, 0.4822, 0.4465],
};

describe('trainTransforms', () => {
  test("CIFAR's recipe: half of the images unchanged but for a flip, which half of them get", () => {
    const sample = sampleOfShape(32, 32, 3);
    const flipped = flipHorizontally(imageOf(sample)).data.join();
    const same = (sample.data as Uint8Array).join();
    const transform = trainTransforms(cifar);
    const counts = [0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      const result = transform(sample, new Random(1, i));
      expect([result.shape, result.label]).toEqual([[32, 32, 3], 4]);
      const pixels = result.data.join();
      counts[pixels === same ? 0 : pixels === flipped ? 1 : 2]++;
    }
    // Operations may change nothing: an image that uses all of its range is stretched to itself.
    const idle = counts[0] + counts[1] - 2000;
    expect(idle).toBeGreaterThan(-130);
    expect(idle).toBeLessThan(2000 * (2 / 15));
    expectLaw(counts.slice(0, 2), [0.5, 0.5]);
  });

  test('without chance left, only the size changes', () => {
    const sample = sampleOfShape(8, 8, 3);
    const still = trainTransforms({
      ...{ size: [5, 4], scale: [1, 1], ratio: [1, 1], hflip: 0, colorJitter: null },
      interpolation: 'bilinear',
    });
    const expected = resize(imageOf(sample), 4, 5, 'bilinear').data;
    expect(still(sample, new Random(0))).toEqual({ data: expected, shape: [5, 4, 3], label: 4 });
  });

  test('vflip, and images of one channel', () => {
    const sample = sampleOfShape(6, 6, 1);
    const options = { size: 6, scale: [1, 1], ratio: [1, 1], hflip: 0 } as const;
    const turned = trainTransforms({ ...options, vflip: 1, colorJitter: 0 });
    expect(turned(sample, new Random(0)).data).toEqual(flipVertically(imageOf(sample)).data);
    const grey = trainTransforms({ ...options, autoAugment: 'rand-m9-n15-inc1', mean: [0.13] });
    for (let i = 0; i < 50; i++) {
      expect(grey(sample, new Random(i)).shape).toEqual([6, 6, 1]);
    }
  });

  test('is made again from its configuration, which is plain data', () => {
    const sample = sampleOfShape(40, 30, 3);
    for (const transform of [
      trainTransforms(cifar),
      trainTransforms({ size: 24, colorJitter: [0.4, 0.3, 0.2, 0.1] }),
      evalTransforms({ size: 20 }),
    ]) {
      const again = createTransform(JSON.parse(JSON.stringify(transform.config)));
      for (let i = 0; i < 20; i++) {
        expect(again(sample, new Random(i))).toEqual(transform(sample, new Random(i)));
      }
    }
  });
});

describe('evalTransforms', () => {
  test('cropPct 1 on an image of that size is the image', () => {
    const sample = sampleOfShape(32, 32, 3);
    const transform = evalTransforms({ size: 32, cropPct: 1, interpolation: 'bicubic' });
    expect(transform(sample, new Random(0))).toEqual(sample);
  });

  test.each([
    [sampleOfShape(40, 64, 3), 51, 32], // shorter side 32 = floor(28 / 0.875), 51 = trunc(32 * 1.6)
    [sampleOfShape(64, 40, 3), 32, 51],
  ])('resizes the shorter side to size / cropPct and takes the middle', (sample, w, h) => {
    const transform = evalTransforms({ size: 28 });
    const resized = resize(imageOf(sample), w, h, 'bilinear');
    const result = transform(sample, new Random(0));
    expect(result.shape).toEqual([28, 28, 3]);
    // 11.5 goes to the even 12, as in Python
    const [left, top] = [Math.round((w - 28) / 2), Math.round((h - 28) / 2)];
    const row = (y: number) => {
      const from = ((top + y) * w + left) * 3;
      return resized.data.slice(from, from + 28 * 3);
    };
    for (const y of [0, 13, 27]) {
      expect(result.data.slice(y * 28 * 3, (y + 1) * 28 * 3)).toEqual(row(y));
    }
  });

  test('height and width that differ are resized by themselves', () => {
    const sample = sampleOfShape(20, 20, 3);
    const transform = evalTransforms({ size: [6, 9], cropPct: 0.75 });
    const resized = resize(imageOf(sample), 12, 8, 'bilinear');
    const result = transform(sample, new Random(0));
    expect(result.shape).toEqual([6, 9, 3]);
    // (12 - 9) / 2 = 1.5 goes to 2, (8 - 6) / 2 = 1
    expect(Array.from(result.data.slice(0, 3))).toEqual(
      Array.from(resized.data.slice((12 + 2) * 3, (12 + 3) * 3)),
    );
  });
});

test.each<[string, Partial<TrainTransformOptions>]>([
  ['size must be a positive integer, but got 1.5', { size: 1.5 }],
  ['size must be an integer from 1 to 16384, but got 1000000', { size: [8, 1e6] }],
  ["autoAugment must be timm's rand of n100 at most", { autoAugment: 'rand-m9-n101' }],
  [
    'scale must be two positive numbers, the lesser first, 1 at most, but got [0.5,2]',
    { scale: [0.5, 2] },
  ],
  ['ratio must be two positive numbers, the lesser first, but got [2,1]', { ratio: [2, 1] }],
  ['hflip must be from 0 to 1, but got 2', { hflip: 2 }],
  ['colorJitter must be ranges of 0 or more, of hue 0.5 at most', { colorJitter: [1, 1, 1, 0.6] }],
  ["autoAugment must be timm's rand", { autoAugment: 'augmix' }],
  [
    "interpolation must be one of 'bilinear', 'bicubic', 'random'",
    { interpolation: 'box' as 'random' },
  ],
  ['mean must be one or three numbers from 0 to 1, but got [2]', { mean: [2] }],
  ["trainTransforms has no option 'crop'", { crop: 1 } as object],
])('trainTransforms throws: %s', (message, options) => {
  expect(() => trainTransforms({ size: 8, ...options })).toThrow(message);
});

test.each<[string, EvalTransformOptions]>([
  ['cropPct must be above 0, 1 at most, but got 2', { size: 3, cropPct: 2 }],
  ['size / cropPct must be 16384 pixels at most, but got 300000', { size: 3, cropPct: 1e-5 }],
  [
    "interpolation must be one of 'bilinear', 'bicubic'",
    { size: 3, interpolation: 'x' as 'bicubic' },
  ],
])('evalTransforms throws: %s', (message, options) => {
  expect(() => evalTransforms(options)).toThrow(message);
});

test('a sample that is no image is refused', () => {
  const transform = evalTransforms({ size: 4 });
  const frames = { data: new Float32Array(32), shape: [4, 4, 2], label: 0 };
  expect(() => transform(frames, new Random(0))).toThrow(
    'the sample of an image transform must be bytes of shape [height, width, 1 or 3], but got ' +
      "'Float32Array of shape [4,4,2]'",
  );
  const grey = trainTransforms({ size: 4, autoAugment: 'rand', mean: [0.5] });
  expect(() => grey(sampleOfShape(4, 4, 3), new Random(0))).toThrow(
    'mean must be 3 numbers, as the image has channels, but got [0.5]',
  );
});
