/** RandAugment: how it is written, and the law by which operations and magnitudes are drawn. */
import {
  drawAugmentations,
  operations,
  parseRandAugment,
  type RandAugmentOptions,
  randAugment,
} from '../../../datasets/transforms/rand_augment';
import { Random } from '../../../lib/random';
import { expectLaw, histogram } from './chi_square';

describe('parseRandAugment', () => {
  const defaults: RandAugmentOptions = {
    magnitude: 10,
    numLayers: 2,
    magnitudeStd: 0,
    magnitudeMax: 10,
    increasing: false,
    weighted: false,
  };

  it.each<[string, Partial<RandAugmentOptions>]>([
    ['rand', {}],
    [
      'rand-m9-n1-mstd0.4-inc1',
      { magnitude: 9, numLayers: 1, magnitudeStd: 0.4, increasing: true },
    ],
    ['rand-m9-mstd0.5-inc1', { magnitude: 9, magnitudeStd: 0.5, increasing: true }],
    ['rand-mstd101-w0', { magnitudeStd: Number.POSITIVE_INFINITY, weighted: true }],
    ['rand-inc0-mmax20-m15', { magnitude: 15, magnitudeMax: 20 }],
  ])('reads %s', (text, expected) => {
    expect(parseRandAugment(text)).toEqual({ ...defaults, ...expected });
  });

  it.each(['rnd-m9', 'rand-m', 'rand-m9.5', 'rand-n0', 'rand-w1', 'rand-x3', 'rand-', 'rand-inc2'])(
    'refuses %s',
    (text) => {
      expect(() => parseRandAugment(text)).toThrow(
        "autoAugment must be timm's rand, then m, n, w0, mstd, mmax or inc: " +
          `'rand-m9-n1-mstd0.4-inc1', but got '${text}'`,
      );
    },
  );

  it('refuses more operations than weights leave without repeating one', () => {
    expect(() => parseRandAugment('rand-n14-w0')).toThrow('at most 13 operations');
  });
});

/** What is drawn for so many images. */
function draw(config: string, images: number, interpolation: 'bicubic' | 'random' = 'bicubic') {
  const options = parseRandAugment(config);
  const random = new Random(1, config);
  return Array.from({ length: images }, () => drawAugmentations(options, interpolation, random));
}

/** All amounts drawn for an operation. */
const amounts = (drawn: ReturnType<typeof draw>, name: string) =>
  drawn.flat().flatMap(({ operation, amount }) => (operation.name === name ? [amount] : []));

describe('the law of rand-m9-n1-mstd0.4-inc1', () => {
  const drawn = draw('rand-m9-n1-mstd0.4-inc1', 60_000);

  test('half of the images stay, and each operation has the same share of the others', () => {
    expectLaw(
      [0, 1].map((n) => drawn.filter(({ length }) => length === n).length),
      [0.5, 0.5],
    );
    expectLaw(
      operations.map(({ name }) => amounts(drawn, name).length),
      operations.map(() => 1 / 15),
    );
  });

  test('magnitudes are normal around 9 with deviation 0.4, cut off at 10', () => {
    // P(9 + 0.4 z < x) at 8.2, 8.6, 9, 9.4, 9.8 and 10 (where the rest gathers)
    const bounds = [8.2, 8.6, 9, 9.4, 9.8, 10].map((m) => m * 3);
    const below = [0.02275, 0.158655, 0.5, 0.841345, 0.97725, 0.99379];
    const chances = [...below, 1].map((p, i) => p - (below[i - 1] ?? 0));
    const degrees = amounts(drawn, 'Rotate').map(Math.abs);
    const bins = degrees.map((x) => {
      const bin = bounds.findIndex((bound) => x < bound);
      return bin < 0 ? 6 : bin;
    });
    expectLaw(
      chances.map((_, bin) => bins.filter((b) => b === bin).length),
      chances,
    );
  });

  test.each(['Rotate', 'ShearX', 'ShearY', 'TranslateXRel', 'TranslateYRel'])(
    '%s goes either way',
    (name) => {
      const all = amounts(drawn, name);
      expectLaw([all.filter((x) => x > 0).length, all.filter((x) => x < 0).length], [0.5, 0.5]);
    },
  );

  test('factors are 0.81 away from 1 on average, to either side', () => {
    for (const name of ['Color', 'Contrast', 'Brightness', 'Sharpness']) {
      const all = amounts(drawn, name);
      const down = all.filter((x) => x < 1);
      expectLaw([down.length, all.length - down.length], [0.5, 0.5]);
      const mean = all.reduce((sum, x) => sum + Math.abs(x - 1), 0) / all.length;
      expect(mean).toBeCloseTo(0.81, 1);
      for (const x of all) expect(x).toBeGreaterThanOrEqual(0.1);
    }
  });

  test('Posterize, Solarize and SolarizeAdd have the integers of their magnitude', () => {
    // 7.5 <= magnitude < 10 keeps 1 bit, 10 keeps none
    const bits = amounts(drawn, 'Posterize');
    const kept = [0, 1].map((n) => bits.filter((b) => b === n).length);
    expect(kept[0] + kept[1]).toBe(bits.length);
    expectLaw(kept, [0.00621, 0.99379]);
    for (const threshold of amounts(drawn, 'Solarize')) {
      expect(Number.isInteger(threshold)).toBe(true);
      expect(threshold).toBeLessThan(256 - 0.7 * 256);
    }
    for (const added of amounts(drawn, 'SolarizeAdd')) {
      expect(Number.isInteger(added)).toBe(true);
      expect(added).toBeGreaterThan(0.7 * 110);
      expect(added).toBeLessThanOrEqual(110);
    }
  });
});

test('rand-m9-mstd0.5-inc1 draws two, the same one twice as often as chance has it', () => {
  const options = parseRandAugment('rand-m9-mstd0.5-inc1');
  const random = new Random(2);
  const counts = [0, 0, 0];
  let twice = 0;
  for (let i = 0; i < 60_000; i++) {
    const drawn = drawAugmentations(options, 'bicubic', random);
    counts[drawn.length]++;
    if (drawn.length === 2 && drawn[0].operation === drawn[1].operation) twice++;
  }
  expectLaw(counts, [0.25, 0.5, 0.25]);
  expectLaw([twice, counts[2] - twice], [1 / 15, 14 / 15]);
});

test('without inc, magnitudes mean what they meant in TensorFlow', () => {
  const drawn = draw('rand-m3-n1', 5000);
  expect(new Set(amounts(drawn, 'Posterize'))).toEqual(new Set([1]));
  expect(new Set(amounts(drawn, 'Solarize'))).toEqual(new Set([76]));
  expect(new Set(amounts(drawn, 'Color'))).toEqual(new Set([0.3 * 1.8 + 0.1]));
});

test('mstd above 100 draws magnitudes evenly from 0', () => {
  const degrees = amounts(draw('rand-m10-n1-mstd101', 60_000), 'Rotate').map(Math.abs);
  expectLaw(histogram(degrees, 0, 30, 10), new Array(10).fill(0.1));
});

test("w0 draws by timm's weights, none twice", () => {
  const drawn = draw('rand-n1-w0', 60_000);
  expectLaw(
    operations.map(({ name }) => amounts(drawn, name).length),
    operations.map(({ weight }) => weight / 1),
  );
  for (const both of draw('rand-n2-w0', 2000)) {
    if (both.length === 2) expect(both[0].operation).not.toBe(both[1].operation);
  }
});

test("'random' interpolation is one or the other", () => {
  const drawn = draw('rand-n1', 10_000, 'random').flat();
  const bilinear = drawn.filter(({ by }) => by === 'bilinear').length;
  expectLaw([bilinear, drawn.length - bilinear], [0.5, 0.5]);
});

test('the same stream gives the same image, whatever is drawn; the source stays', () => {
  const data = Uint8Array.from({ length: 60 }, (_, i) => (i * 37) % 251);
  const image = { data, width: 5, height: 4, channels: 3 };
  const before = data.slice();
  const options = parseRandAugment('rand-m9-n3-mstd0.5-inc1');
  const results = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const run = () => randAugment(image, options, 'random', [1, 2, 3], new Random(i));
    const result = run();
    expect(run()).toEqual(result);
    expect([result.width, result.height, result.data.length]).toEqual([5, 4, 60]);
    results.add(result.data.join());
  }
  expect(data).toEqual(before);
  expect(results.size).toBeGreaterThan(100);
});
