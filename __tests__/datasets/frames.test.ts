/**
 * Events to frames, equal to SpikingJelly 0.0.0.0.14: the golden counts are what its
 * integrate_events_by_fixed_frames_number and integrate_events_by_fixed_duration return (numpy 2.4.6) for
 * the events below and for real recordings, transposed to [time, height, width, 2] and written as digits.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import {
  concatEvents,
  cutEvents,
  DatasetError,
  type Events,
  eventsToFrames,
  type FramesOptions,
  readAedat2,
} from '../../datasets';
import { columns, eventsOn } from './event_files';

/** 53 events on 4 x 3 pixels. */
function generated(): Events {
  const events = [];
  let bits = 7;
  let t = 1000;
  for (let i = 0; i < 53; i++) {
    bits = (Math.imul(bits, 1664525) + 1013904223) >>> 0;
    t += bits >>> 28;
    events.push({
      t,
      x: ((bits >>> 8) & 0xffff) % 4,
      y: ((bits >>> 16) & 0xff) % 3,
      p: (bits >>> 27) & 1,
    });
  }
  return { ...columns(events), width: 4, height: 3 };
}

/** Times of events in any order, frames by time, and how many events SpikingJelly puts into each. */
const anyOrder: [t: number[], frames: number, counts: string][] = [
  [[10, 3, 11, 12, 25, 31], 2, '4,2'],
  [[0, 100, 5, 50, 60, 80], 2, '3,3'],
  [[1000, 1002, 999, 1003, 1500, 1600, 2000], 2, '4,3'],
  [[2, 11, 39, 12, 7, 15, 29, 22], 3, '5,3,3'],
  [[23, 9, 3, 26, 18, 9, 29], 2, '1,4'],
  [[25, 5, 7, 8, 20, 0, 27, 36, 38, 39], 2, '7,3'],
  [[3, 3, 15, 3, 16, 19, 25, 26, 28, 31, 40], 5, '4,3,1,3,2'],
  [[3, 4, 10, 13, 33, 24, 24, 28, 19, 37, 37, 38], 5, '2,2,1,3,8'],
  [[0, 2, 13, 4, 8, 3, 22, 26, 29, 29, 31, 36, 36, 36], 3, '6,5,7'],
  [[3, 6, 11, 11, 37, 18, 21, 21, 24, 26, 34, 16, 40, 40], 3, '4,7,10'],
  [[4, 6, 7, 10, 15, 20, 23, 24, 39, 32, 29], 4, '3,2,1,5'],
  [[7, 9, 12, 27, 20, 25, 16, 29, 33, 39, 39], 2, '7,8'],
  [[4, 21, 15, 10, 21, 28, 35, 40], 3, '4,4,3'],
  [[11, 2, 5, 9, 10, 1, 18, 19, 21, 23, 25, 28, 33], 5, '1,1,2,2,2'],
  [[0, 10, 5, 11, 12, 12, 12, 13, 14, 14, 17, 21, 31], 2, '10,3'],
  [[0, 0, 1, 3, 5, 28, 8, 11, 17, 22, 25, 7, 31, 35], 4, '12,2,2,9'],
  [[1, 2, 6, 20, 13, 15, 16, 7, 23, 24, 25, 27, 37, 38], 2, '8,11'],
  [[1, 7, 22, 23, 25, 27, 33, 34, 39, 38], 3, '2,2,6'],
  [[1, 6, 12, 25, 22, 39, 31, 6, 37, 27], 3, '8,1,6'],
];

test.each(anyOrder)('events at %j in %d frames by time', (t, frames, counts) => {
  const zeros = () => new Uint16Array(t.length);
  const columns = { t: Float64Array.from(t), x: zeros(), y: zeros(), p: new Uint8Array(t.length) };
  const { data } = eventsToFrames({ ...columns, width: 1, height: 1 }, { frames, splitBy: 'time' });
  expect(Array.from({ length: frames }, (_, i) => data[2 * i] + data[2 * i + 1]).join()).toBe(
    counts,
  );
});

/** Two events swapped in time. */
function swapped(): Events {
  const events = generated();
  [events.t[10], events.t[30]] = [events.t[30], events.t[10]];
  return events;
}

const golden: [FramesOptions, string][] = [
  [{ frames: 1, splitBy: 'number' }, '030323232511221132134306'],
  [
    { frames: 4, splitBy: 'number' },
    '030200001000000011030002000000010110110111001103000112220200000000101100000011001201111010002101',
  ],
  [
    { frames: 7, splitBy: 'number' },
    '020100000000000000030001010100011000000011000001000000000000110111000002000101000110000000001101000001210100000000100100000010011100000010001100000011000201111000002001',
  ],
  [{ frames: 1, splitBy: 'time' }, '030323232511221132134306'],
  [
    { frames: 4, splitBy: 'time' },
    '030200000000000011030002000000011100110111001003000112220210000000101200000011001201111010002101',
  ],
  [
    { frames: 7, splitBy: 'time' },
    '020100000000000001030001010100011000000010000001000000000000110011000001000100000110000100001102000002220100000000101100000020001200001010000100000001000101110000002001',
  ],
  [
    { duration: 50 },
    '020000000000000000030001010200001000000011000001000000010000110011000001000100000110000100001102000002220100000000101100000020001200011010000100000001000101100000002001',
  ],
  [
    { duration: 97 },
    '030200000000000011030002000000011100110111001003000112221210000000101200000011000201111010002101',
  ],
  [{ duration: 10000 }, '030323232511221132134306'],
];

test.each(golden)('%j as SpikingJelly', (options, counts) => {
  const { shape, data } = eventsToFrames(generated(), options);
  expect(shape).toEqual([counts.length / 24, 3, 4, 2]);
  expect(data).toBeInstanceOf(Float32Array);
  expect(data.join('')).toBe(counts);
});

test('more frames than events: the last takes all', () => {
  const { data } = eventsToFrames(generated(), { frames: 60, splitBy: 'number' });
  expect(data.subarray(0, 59 * 24).every((count) => count === 0)).toBe(true);
  expect(data.subarray(59 * 24).join('')).toBe('030323232511221132134306');
});

test('duration 0: a frame for each time that has events', () => {
  const events = generated();
  const { shape, data } = eventsToFrames(events, { duration: 0 });
  expect(shape).toEqual([51, 3, 4, 2]);
  expect(new Set(events.t).size).toBe(51);
  expect(data.reduce((a, b) => a + b)).toBe(53);
});

test('times that step back stay in their slice, as in SpikingJelly', () => {
  const { data } = eventsToFrames(swapped(), { frames: 4, splitBy: 'time' });
  const counts =
    '030302111110110122131105000000011100110111001003010212231310110111102203000011001201111010002101';
  expect(data.join('')).toBe(counts);
  const back = swapped();
  back.t[52] = 0;
  const split = () => eventsToFrames(back, { frames: 4, splitBy: 'time' });
  expect(split).toThrow(/must not end before they begin, but go from 1003 to 0/);
});

test('a slice of time without events is an empty frame', () => {
  const at = (...times: number[]): Events => ({
    ...columns(times.map((t) => ({ t, x: 0, y: 0, p: 1 }))),
    width: 1,
    height: 1,
  });
  const counts = (events: Events, frames: number) =>
    [...eventsToFrames(events, { frames, splitBy: 'time' }).data].filter((_, i) => i % 2);
  expect(counts(at(0, 1, 30, 31, 40), 4)).toEqual([2, 0, 0, 3]);
  expect(counts(at(0, 7), 4)).toEqual([1, 0, 0, 1]); // the last event is beyond 4 slices of 1
  expect(counts(at(5, 5, 6), 4)).toEqual([0, 0, 0, 3]); // slices of 0: all in the last, as by number
  expect(counts(at(5), 2)).toEqual([0, 1]);
});

test('no event is lost or counted twice', () => {
  const options = fc.oneof(
    fc.record({
      frames: fc.integer({ min: 1, max: 40 }),
      splitBy: fc.constantFrom('number', 'time'),
    }),
    fc.record({ duration: fc.nat(3000) }),
  );
  fc.assert(
    fc.property(eventsOn(5, 7, 60), options, (events, given) => {
      const all = { ...columns(events), width: 5, height: 7 };
      const { shape, data } = eventsToFrames(all, given as FramesOptions);
      expect(data.length).toBe(shape.reduce((a, b) => a * b));
      const whole = eventsToFrames(all, { frames: 1, splitBy: 'number' }).data;
      const sums = new Float32Array(70);
      data.forEach((count, i) => {
        sums[i % 70] += count;
      });
      expect(sums).toEqual(whole);
    }),
  );
});

test('refuses what is no recording and what no frames can be made of', () => {
  const events = generated();
  const frames = (changes: Partial<Events>, options: object = { frames: 4, splitBy: 'number' }) => {
    return () => eventsToFrames({ ...events, ...changes }, options as FramesOptions);
  };
  expect(frames({ x: events.x.subarray(1) })).toThrow(DatasetError);
  expect(frames({ x: events.x.subarray(1) })).toThrow(/of the same length, .* 53, 52, 53 and 53/);
  expect(frames({ width: 3 })).toThrow(/must lie on 3 x 3 pixels .*, but has x 3, y/);
  expect(frames({ height: 2 })).toThrow(/on 4 x 2 pixels/);
  expect(frames({ height: 0.5 })).toThrow(/^sensor must be/);
  expect(frames({ p: new Uint8Array(53).fill(2) })).toThrow(/p 2$/);
  const none = { ...columns([]), width: 4, height: 3 };
  expect(frames(none)).toThrow(/^events must hold at least one event/);

  expect(frames({}, { frames: 0, splitBy: 'time' })).toThrow(/^frames must be .*, but got 0/);
  expect(frames({}, { frames: 2.5, splitBy: 'time' })).toThrow(/but got 2.5/);
  expect(frames({}, { frames: 1e9, splitBy: 'time' })).toThrow(
    /2 GiB in all\), but got 1000000000/,
  );
  expect(frames({}, { frames: 4 })).toThrow(/^splitBy must be 'number' or 'time'/);
  expect(frames({}, { frames: 4, splitBy: 'events' })).toThrow(/^splitBy must be one of/);
  expect(frames({}, { frames: 4, duration: 4 })).toThrow(/but have both/);
  expect(frames({}, { duration: -1 })).toThrow(/^duration must be .*, but got -1/);
  expect(frames({}, { duration: Number.NaN })).toThrow(/^duration must be .*, but got NaN/);
  expect(frames({}, {})).toThrow(/^frames must be/);
  expect(frames({}, { frames: 4, splitBy: 'time', T: 4 })).toThrow(/got 'T'/);
  const large = { width: 65536, height: 4096 };
  expect(frames(large, { duration: 0 })).toThrow(/make more than 1$/);
});

test('a cut has start <= t < end, in order or not', () => {
  const events = generated();
  const inside = (all: Events, start: number, end: number) =>
    [...all.t.keys()].filter((i) => all.t[i] >= start && all.t[i] < end);
  for (const all of [events, swapped()]) {
    for (const [start, end] of [
      [1017, 1100],
      [0, 1e9],
      [all.t[20], all.t[40]],
    ]) {
      const cut = cutEvents(all, start, end);
      const kept = inside(all, start, end);
      expect([...cut.t]).toEqual(kept.map((i) => all.t[i]));
      expect([...cut.x]).toEqual(kept.map((i) => all.x[i]));
      expect([...cut.y]).toEqual(kept.map((i) => all.y[i]));
      expect([...cut.p]).toEqual(kept.map((i) => all.p[i]));
    }
  }
  const nothing = () => cutEvents(events, 2000, 3000);
  expect(nothing).toThrow(DatasetError);
  expect(nothing).toThrow(/none has 2000 <= t < 3000: the recording goes from 1003 to 1397/);
});

test('parts are joined only where they have one size', () => {
  const part = { ...generated(), skipped: 2, backwards: 1 };
  const joined = concatEvents([part, part]);
  expect([joined.t.length, joined.skipped, joined.backwards]).toEqual([106, 4, 2]);
  expect(() => concatEvents([part, { ...part, width: 5 }])).toThrow(/4 x 3 and part 1 5 x 3/);
  expect(() => concatEvents([])).toThrow(/at least one recording/);
});

/** Sum, sum weighted by position, largest: of all counts. */
function digest(data: Float32Array): number[] {
  let [sum, weighted, largest] = [0, 0, 0];
  data.forEach((count, i) => {
    sum += count;
    weighted += count * (i % 9973);
    largest = Math.max(largest, count);
  });
  return [sum, weighted, largest];
}

const folder = path.join(process.env.SPIKINGFORMER_TEST_DATA ?? '', 'events/dvs128');
const present = Boolean(process.env.SPIKINGFORMER_TEST_DATA) && existsSync(folder);
const skipped = ' (skipped: SPIKINGFORMER_TEST_DATA names no folder with events)';
(present ? describe : describe.skip)(`real recordings${present ? '' : skipped}`, () => {
  test.each<[string, FramesOptions, number, number[]]>([
    ['Caixa', { frames: 10, splitBy: 'number' }, 10, [201523, 914780528, 73]],
    ['Caixa', { frames: 10, splitBy: 'time' }, 10, [201523, 896131456, 81]],
    ['Caixa', { frames: 16, splitBy: 'number' }, 16, [201523, 985943775, 44]],
    ['Caixa', { frames: 16, splitBy: 'time' }, 16, [201523, 980251656, 45]],
    ['Caixa', { duration: 1e6 }, 19, [201523, 1025314660, 49]],
    ['Lapiseira', { frames: 10, splitBy: 'number' }, 10, [126164, 633288857, 31]],
    ['Lapiseira', { frames: 16, splitBy: 'time' }, 16, [126164, 674119666, 35]],
    ['Lapiseira', { duration: 1e6 }, 19, [126164, 602375730, 35]],
  ])('%s, %j, as SpikingJelly reads and counts CIFAR10-DVS', (name, options, frames, expected) => {
    const file = readFileSync(path.join(folder, `${name}.aedat`));
    const events = readAedat2(file, { sensor: 'dvs128', axes: 'cifar10dvs' });
    const { shape, data } = eventsToFrames(events, options);
    expect(shape).toEqual([frames, 128, 128, 2]);
    expect(digest(data)).toEqual(expected);
  });
});
