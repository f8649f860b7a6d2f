/** Small samples for a new project, computed: pictures of two patterns, or recordings of a bar that moves two ways. */
import { Random } from '../lib/random';

/** A file in its class folder. */
export interface SampleFile {
  path: string;
  bytes: Buffer;
}

/** Samples of each class. */
const COUNT = 20;
/** Pixels of a picture's side. */
const SIDE = 24;
/** Pixels of a side of the camera that N-MNIST was recorded with. */
const SENSOR = 34;

type Pattern = (x: number, y: number, shift: number) => boolean;

const pictures: Record<string, Pattern> = {
  rings: (x, y, shift) => (Math.hypot(x - SIDE / 2, y - SIDE / 2) + shift) % 6 < 3,
  stripes: (x, y, shift) => (x + y + shift) % 6 < 3,
};

/** A bar of so many pixels per millisecond. */
const recordings: Record<string, number> = { left: -1, right: 1 };

export function sampleFiles(kind: 'images' | 'events'): SampleFile[] {
  const make: Record<string, (random: Random) => Buffer> = Object.fromEntries(
    kind === 'images'
      ? Object.entries(pictures).map(([name, pattern]) => [name, (r) => picture(pattern, r)])
      : Object.entries(recordings).map(([name, speed]) => [name, (r) => recording(speed, r)]),
  );
  const ending = kind === 'images' ? 'bmp' : 'bin';
  return Object.entries(make).flatMap(([name, draw]) =>
    Array.from({ length: COUNT }, (_, i) => ({
      path: `${name}/${String(i + 1).padStart(2, '0')}.${ending}`,
      bytes: draw(new Random(i, 'samples', name)),
    })),
  );
}

/** A BMP of 24 bits per pixel, whose rows need no padding. */
function picture(pattern: Pattern, random: Random): Buffer {
  const [shift, ...colors] = Array.from({ length: 7 }, () => random.next());
  const header = Buffer.alloc(54);
  header.write('BM', 0, 'latin1');
  header.writeUInt32LE(54 + 3 * SIDE * SIDE, 2);
  for (const [at, value] of [
    [10, 54],
    [14, 40],
    [18, SIDE],
    [22, SIDE],
    [34, 3 * SIDE * SIDE],
  ] as const) {
    header.writeUInt32LE(value, at);
  }
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  const pixels = Array.from({ length: SIDE * SIDE }, (_, i) => {
    const on = pattern(i % SIDE, Math.floor(i / SIDE), 6 * shift!);
    return colors.slice(on ? 0 : 3, on ? 3 : 6).map((share) => 128 * share + (on ? 127 : 0));
  });
  return Buffer.concat([header, Buffer.from(pixels.flat())]);
}

/** N-MNIST's records of 5 bytes: x, y, then polarity in bit 7 and 23 bits of time in microseconds. */
function recording(speed: number, random: Random): Buffer {
  const start = Math.floor(SENSOR * random.next());
  const top = Math.floor((SENSOR / 2) * random.next());
  const records: number[] = [];
  for (let step = 0; step < SENSOR; step++) {
    const front = (start + speed * step + SENSOR) % SENSOR;
    for (let row = top; row < top + SENSOR / 2; row++) {
      // The edge in front turns dark pixels bright, that behind the bar bright ones dark.
      const back = (front - 3 * speed + SENSOR) % SENSOR;
      for (const [x, polarity] of [
        [front, 1],
        [back, 0],
      ] as const) {
        if (random.next() < 0.3) continue;
        const time = 1000 * step;
        records.push(x, row, (polarity << 7) | (time >> 16), (time >> 8) & 255, time & 255);
      }
    }
  }
  return Buffer.from(records);
}
