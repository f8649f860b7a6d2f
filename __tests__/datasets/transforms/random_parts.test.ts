/** Random crops, erased parts and colours: laws of timm 0.6.12 and torchvision. */
import { colorJitter } from '../../../datasets/transforms/color_jitter';
import type { Image } from '../../../datasets/transforms/image';
import { normalize } from '../../../datasets/transforms/normalize';
import { randomErasing } from '../../../datasets/transforms/random_erasing';
import { drawCrop } from '../../../datasets/transforms/random_resized_crop';
import { Random } from '../../../lib/random';
import { expectLaw, histogram } from './chi_square';

const blank = (width: number, height: number): Image => ({
  data: new Uint8Array(width * height * 3),
  width,
  height,
  channels: 3,
});
const even = (bins: number) => new Array<number>(bins).fill(1 / bins);

describe('drawCrop', () => {
  test('areas are uniform in scale, log shapes in log ratio, places anywhere', () => {
    const random = new Random(1);
    // So wide a margin that every draw fits at once.
    const image = blank(2000, 2000);
    const boxes = Array.from({ length: 8000 }, () =>
      drawCrop(image, [0.08, 0.4], [3 / 4, 4 / 3], random),
    );
    const areas = boxes.map(({ width, height }) => (width * height) / 4e6);
    expectLaw(histogram(areas, 0.0795, 0.4005, 10), even(10));
    const shapes = boxes.map(({ width, height }) => Math.log(width / height));
    expectLaw(histogram(shapes, -Math.log(4 / 3) - 2e-3, Math.log(4 / 3) + 2e-3, 10), even(10));
    const lefts = boxes.map(({ left, width }) => (left + random.next()) / (2001 - width));
    expectLaw(histogram(lefts, 0, 1, 10), even(10));
    const tops = boxes.map(({ top, height }) => (top + random.next()) / (2001 - height));
    expectLaw(histogram(tops, 0, 1, 10), even(10));
  });

  test('scale and ratio 1 take all of a square', () => {
    expect(drawCrop(blank(32, 32), [1, 1], [1, 1], new Random(0))).toEqual({
      ...{ left: 0, top: 0, width: 32, height: 32 },
    });
  });

  test.each([
    [blank(100, 20), { left: 36, top: 0, width: 27, height: 20 }],
    [blank(20, 100), { left: 0, top: 36, width: 20, height: 27 }],
    [blank(20, 21), { left: 0, top: 0, width: 20, height: 21 }],
  ])('where nothing fits, the largest in the middle', (image, box) => {
    expect(drawCrop(image, [4, 4], [3 / 4, 4 / 3], new Random(0))).toEqual(box);
  });
});

describe('randomErasing', () => {
  const [height, width] = [40, 60];
  const shape = [1, height, width, 2];
  const erased = (options: object, seed: number) => {
    const data = new Float32Array(height * width * 2).fill(9);
    randomErasing(data, shape, { probability: 1, ...options }, () => new Random(5, seed));
    return data;
  };

  test('erases one rectangle in all channels, its area uniform', () => {
    const areas: number[] = [];
    for (let seed = 0; seed < 1000; seed++) {
      const data = erased({}, seed);
      const rows: number[] = [];
      let columns = new Set<number>();
      for (let y = 0; y < height; y++) {
        const inRow = new Set<number>();
        for (let x = 0; x < width; x++) {
          const [a, b] = [data[(y * width + x) * 2], data[(y * width + x) * 2 + 1]];
          if (a !== b || (a !== 0 && a !== 9)) throw new Error(`${a} beside ${b} at ${x}, ${y}`);
          if (a === 0) inRow.add(x);
        }
        if (inRow.size === 0) continue;
        rows.push(y);
        if (columns.size > 0) expect(inRow.size).toBe(columns.size);
        columns = inRow;
      }
      expect(rows.length).toBe(rows[rows.length - 1] - rows[0] + 1);
      expect(Math.max(...columns) - Math.min(...columns) + 1).toBe(columns.size);
      areas.push((rows.length * columns.size) / (height * width));
    }
    for (const area of areas) {
      expect(area).toBeGreaterThan(0.015);
      expect(area).toBeLessThan(0.345);
    }
    // Large parts of extreme shapes do not fit and are drawn anew, so only small ones are even.
    const small = areas.filter((area) => area >= 0.03 && area < 0.13);
    expectLaw(histogram(small, 0.03, 0.13, 5), even(5));
  });

  test('probability is a share of images', () => {
    let count = 0;
    for (let seed = 0; seed < 4000; seed++) {
      if (erased({ probability: 0.25 }, seed).includes(0)) count++;
    }
    expectLaw([count, 4000 - count], [0.25, 0.75]);
  });

  test('rand has one colour a part, pixel one a value', () => {
    const values = (mode: string) => [...new Set(erased({ mode }, 1))].filter((x) => x !== 9);
    expect(values('rand')).toHaveLength(2);
    const noise = values('pixel');
    const mean = noise.reduce((a, b) => a + b) / noise.length;
    const variance = noise.reduce((a, b) => a + (b - mean) ** 2, 0) / noise.length;
    expect(noise.length).toBeGreaterThan(100);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(noise.length));
    expect(variance).toBeCloseTo(1, 0);
  });

  test('maxCount parts share the area', () => {
    let most = 0;
    for (let seed = 0; seed < 500; seed++) {
      const area = erased({ maxCount: 3 }, seed).filter((x) => x === 0).length / (2 * 2400);
      most = Math.max(most, area);
    }
    expect(most).toBeLessThan(0.36);
  });

  test('each image of a batch by its own stream', () => {
    const data = new Float32Array(4 * 300).fill(1);
    const streams = [1, 2, 1, 3];
    randomErasing(data, [4, 10, 10, 3], { probability: 1 }, (i) => new Random(streams[i]));
    const image = (i: number) => Array.from(data.subarray(i * 300, (i + 1) * 300));
    expect(image(2)).toEqual(image(0));
    expect(image(1)).not.toEqual(image(0));
  });

  test.each<[string, () => void]>([
    ['probability must be from 0 to 1, but got 2', () => erased({ probability: 2 }, 0)],
    [
      "mode must be one of 'const', 'rand', 'pixel', but got 'noise'",
      () => erased({ mode: 'noise' }, 0),
    ],
    ['maxCount must be an integer from 1 to 1000', () => erased({ maxCount: 1e9 }, 0)],
    ["randomErasing has no option 'p'", () => erased({ p: 1 }, 0)],
    ['area must be two numbers from 0 to 1', () => erased({ area: [0.5, 0.2] }, 0)],
    ['minAspect must be above 0, 1 at most', () => erased({ minAspect: 3 }, 0)],
    [
      'shape must be that of 12 values [batch, height, width, channels], but got [2,2,2]',
      () => randomErasing(new Float32Array(12), [2, 2, 2], {}, () => new Random(0)),
    ],
  ])('throws: %s', (message, run) => {
    expect(run).toThrow(message);
  });
});

describe('normalize', () => {
  test('is (x - 255 mean) / (255 std) in float32', () => {
    const data = Uint8Array.from({ length: 768 }, (_, i) => i % 256);
    const [mean, std] = [
      [0.4914, 0.4822, 0.4465],
      [0.247, 0.2435, 0.2616],
    ];
    const { fround } = Math;
    expect(normalize(data, mean, std)).toEqual(
      Float32Array.from(data, (x, i) => {
        const c = i % 3;
        return fround(x - fround(255 * mean[c])) / fround(255 * std[c]);
      }),
    );
  });

  test('throws where mean, std and data do not fit', () => {
    expect(() => normalize(new Uint8Array(4), [0.5, 0.5], [0.5])).toThrow(
      'std must be as many positive numbers as mean has, but got [0.5]',
    );
    expect(() => normalize(new Uint8Array(4), [0.5, 0, 0], [1, 1, 1])).toThrow(
      "data must be whole pixels of 3 channels, but got '4 values'",
    );
  });
});

describe('colorJitter', () => {
  const image = { ...blank(2, 1), data: Uint8Array.of(100, 150, 200, 40, 30, 20) };

  test('brightness is a factor of 1 - range to 1 + range', () => {
    const random = new Random(7);
    const bright = { ...image, data: new Uint8Array(6).fill(128) };
    const factors = Array.from(
      { length: 5000 },
      () => (colorJitter(bright, [0.4, 0, 0], random).data[0] + random.next()) / 128,
    );
    expectLaw(histogram(factors, 0.59, 1.41, 10).slice(1, 9), even(8));
  });

  test('nothing to change leaves the image; all of it changes in any order', () => {
    expect(colorJitter(image, [0, 0, 0, 0], new Random(1))).toBe(image);
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      seen.add(colorJitter(image, [0.4, 0.4, 0.4, 0.1], new Random(i)).data.join());
    }
    expect(seen.size).toBe(50);
  });
});
