/** Augmentation of frames: one change for all frames of a sample, by the laws of the papers' scripts. */
import { eventTransforms, type Sample } from 'tfjs-spikingformer/datasets';
import { Random } from '../../../lib/random';
import { expectLaw } from './chi_square';

/** Two frames of a picture in which every pixel is another, and the second frame 1000 more. */
function picture(height: number, width: number): Sample {
  const size = height * width * 2;
  return {
    data: Float32Array.from({ length: 2 * size }, (_, i) => 1 + (i % size) + (i < size ? 0 : 1000)),
    shape: [2, height, width, 2],
    label: 7,
  };
}

const sample = picture(32, 32);
const [height, width] = [32, 32];

/** Column and row that the value of polarity 0 at (x, y) of the first frame comes from, or null. */
function cameFrom({ data }: Sample, x: number, y: number): [number, number] | null {
  const value = data[(y * width + x) * 2];
  if (value === 0) return null;
  const pixel = (value - 1) / 2;
  return [pixel % width, Math.floor(pixel / width)];
}

/** Which change it was: every pixel of a change tells. */
function kindOf(result: Sample): string {
  const sources = Array.from({ length: height * width }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return { x, y, from: cameFrom(result, x, y) };
  });
  const moved = sources.flatMap(({ x, y, from }) => (from ? [[from[0] - x, from[1] - y]] : []));
  const dx = new Set(moved.map(([d]) => d));
  const dy = new Set(moved.map(([, d]) => d));
  const holes = height * width - moved.length;
  if (dx.size === 1 && dy.size === 1) {
    const still = dx.has(0) && dy.has(0);
    if (still) return holes > 0 ? 'hole' : 'same';
    return holes > 0 ? (dx.has(0) ? 'shift y' : 'shift x') : 'roll';
  }
  const wrapped = [...dx].every((d) => [...dx].some((e) => d === e || Math.abs(d - e) === width));
  if (holes === 0 && wrapped && dx.size <= 2 && dy.size <= 2) return 'roll';
  return dy.size === 1 ? 'shear' : 'rotation';
}

test('both frames and polarities go the same way; the sample stays', () => {
  const before = sample.data.slice();
  for (const policy of ['snn-augment-wide', 'nda', 'none'] as const) {
    const transform = eventTransforms({ policy });
    for (let i = 0; i < 40; i++) {
      const { data, shape, label } = transform(sample, new Random(i));
      expect([shape, label]).toEqual([[2, 32, 32, 2], 7]);
      const size = data.length / 2;
      for (let k = 0; k < size; k++) {
        if (data[k + size] !== (data[k] === 0 ? 0 : data[k] + 1000)) throw new Error(`at ${k}`);
        if (k % 2 === 0 && data[k + 1] !== (data[k] === 0 ? 0 : data[k] + 1)) {
          throw new Error(`polarity at ${k}`);
        }
      }
    }
  }
  expect(sample.data).toEqual(before);
});

test('hflip is a chance', () => {
  const transform = eventTransforms({ policy: 'none', hflip: 0.3 });
  let flips = 0;
  for (let i = 0; i < 3000; i++) {
    if (cameFrom(transform(sample, new Random(i)), 0, 5)?.[0] === width - 1) flips++;
  }
  expectLaw([flips, 3000 - flips], [0.3, 0.7]);
  expect(eventTransforms({ policy: 'none', hflip: 0 })(sample, new Random(1))).toBe(sample);
});

function kinds(policy: 'snn-augment-wide' | 'nda', draws: number): Map<string, number> {
  const transform = eventTransforms({ policy, hflip: 0 });
  const counts = new Map<string, number>();
  for (let i = 0; i < draws; i++) {
    const kind = kindOf(transform(sample, new Random(2, i)));
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

test('snn-augment-wide: nothing, shear, shifts, rotation and hole, each as likely', () => {
  const counts = kinds('snn-augment-wide', 1500);
  // 5 of 31 shifts are by less than a pixel, 1 of 31 shears and rotations by nothing (or too little)
  const expected = { 'shift x': 26 / 31 / 6, 'shift y': 26 / 31 / 6, hole: 1 / 6 };
  const shown = Object.keys(expected).map((kind) => counts.get(kind) ?? 0);
  const rest = 1500 - shown.reduce((a, b) => a + b);
  const chances = Object.values(expected);
  expectLaw([...shown, rest], [...chances, 1 - chances.reduce((a, b) => a + b)]);
  expect(counts.get('roll')).toBeUndefined();
  for (const kind of ['shear', 'rotation']) {
    expect(counts.get(kind)).toBeGreaterThan(1500 * (26 / 31 / 6) - 70);
    expect(counts.get(kind)).toBeLessThan(1500 / 6 + 50);
  }
});

test('snn-augment-wide: shifts of up to 5 pixels, a hole of up to 11 % of the area', () => {
  const transform = eventTransforms({ hflip: 0 });
  const shifts = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const result = transform(sample, new Random(3, i));
    const kind = kindOf(result);
    if (kind === 'shift x') shifts.add(cameFrom(result, 15, 15)![0] - 15);
    if (kind === 'hole') {
      const area = result.data.filter((value) => value === 0).length / result.data.length;
      expect(area).toBeLessThanOrEqual(0.12);
    }
  }
  expect([...shifts].sort((a, b) => a - b)).toEqual([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]);
});

test('nda: roll, rotation, hole and shear, each as likely', () => {
  const counts = kinds('nda', 1000);
  const roll = (counts.get('roll') ?? 0) + (counts.get('same') ?? 0);
  expectLaw(
    [roll, counts.get('rotation') ?? 0, counts.get('hole') ?? 0, counts.get('shear') ?? 0],
    [0.25, 0.25, 0.25, 0.25],
  );
});

test('nda: intensity N rolls up to 2 N + 1 pixels, holes have sides of up to 8 N', () => {
  const transform = eventTransforms({ policy: 'nda', hflip: 0, intensity: 1 });
  const rolls = new Set<number>();
  for (let i = 0; i < 800; i++) {
    const result = transform(sample, new Random(4, i));
    const kind = kindOf(result);
    if (kind === 'roll') rolls.add(cameFrom(result, 15, 15)![0] - 15);
    const zeros = result.data.filter((value) => value === 0).length / 4;
    if (kind === 'hole') expect(zeros).toBeLessThanOrEqual(64);
  }
  expect([...rolls].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
});

test('nda: rotations of up to 30 degrees, either way', () => {
  const transform = eventTransforms({ policy: 'nda', hflip: 0 });
  const angles: number[] = [];
  for (let i = 0; i < 400; i++) {
    const result = transform(sample, new Random(6, i));
    if (kindOf(result) !== 'rotation') continue;
    const [x, y] = cameFrom(result, 25, 16) ?? [Number.NaN, Number.NaN];
    angles.push((Math.atan2(y - 15.5, x - 15.5) * 180) / Math.PI);
  }
  expect(Math.max(...angles)).toBeGreaterThan(20);
  expect(Math.min(...angles)).toBeLessThan(-20);
  for (const angle of angles) expect(Math.abs(angle)).toBeLessThan(38); // to the nearest pixel
});

test.each<[string, () => unknown]>([
  [
    "policy must be one of 'snn-augment-wide', 'nda', 'none'",
    () => eventTransforms({ policy: 'x' as 'nda' }),
  ],
  ['hflip must be from 0 to 1, but got 3', () => eventTransforms({ hflip: 3 })],
  ['intensity must be a positive integer', () => eventTransforms({ intensity: 0 })],
  ['intensity must be an integer from 1 to 100', () => eventTransforms({ intensity: 1e9 })],
  [
    'the sample of an event transform must be of shape [time, height, width, 2], but got [32,32,3]',
    () => eventTransforms()({ ...sample, shape: [32, 32, 3] }, new Random(0)),
  ],
])('throws: %s', (message, run) => {
  expect(run).toThrow(message);
});
