/** N-MNIST: records of 5 bytes, overflow records, 1101 real recordings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { DatasetError, readNMnist, streamNMnist } from '../../datasets';
import {
  columns,
  eventsOn,
  expectSameStream,
  expectSameStreams,
  mutated,
  nMnistFile,
  numRuns,
  pieces,
} from './event_files';

const file = eventsOn(34, 34).map(nMnistFile);

test('x, y, polarity in bit 7, 23 bits of time', () => {
  fc.assert(
    fc.property(eventsOn(34, 34), fc.nat(2 ** 22), (some, start) => {
      const events = some.map((event) => ({ ...event, t: event.t + start }));
      expect(readNMnist(nMnistFile(events))).toEqual({
        ...columns(events),
        width: 34,
        height: 34,
        skipped: 0,
        backwards: 0,
      });
    }),
  );
});

test('a record of row 240 moves what follows by 2^13 microseconds', () => {
  const event = (t: number, y = 0) => ({ t, x: 3, y, p: 1 });
  const events = [event(8000), event(0, 240), event(5), event(0, 240), event(0, 240), event(9)];
  const { t, skipped, y } = readNMnist(nMnistFile(events));
  expect([...t]).toEqual([8000, 8197, 3 * 8192 + 9]);
  expect([skipped, ...y]).toEqual([3, 0, 0, 0]);
});

test('refuses cut files, positions outside the sensor, steps back, no events', () => {
  const event = { t: 9, x: 3, y: 4, p: 1 };
  const cut = () => readNMnist(nMnistFile([event, event]).subarray(0, 8));
  expect(cut).toThrow(DatasetError);
  expect(cut).toThrow(/ends with 3 bytes after event 0/);
  expect(() => readNMnist(new Uint8Array(0))).toThrow(/must hold events, but holds none/);
  const wide = nMnistFile([{ ...event, x: 34 }]);
  expect(() => readNMnist(wide)).toThrow(/event 0 .* sensor of 34 x 34, but has x 34, y 4/);
  expect(readNMnist(wide, { sensor: 'davis240' })).toMatchObject({ width: 240, height: 180 });
  const back = nMnistFile([event, { ...event, t: 8 }]);
  expect(() => readNMnist(back)).toThrow(/from 9 to 8 microseconds/);
  expect(readNMnist(back, { nonMonotonic: 'keep' })).toMatchObject({ backwards: 1 });
  expect(() => readNMnist(back, { size: 3 } as never)).toThrow(/got 'size'/);
});

test('events beside the sensor are left out and counted, when told so', async () => {
  const events = [34, 3, 99, 33].map((x, i) => ({ t: i, x, y: 4, p: 1 }));
  const bytes = nMnistFile(events);
  const { t, x, outside, skipped } = readNMnist(bytes, { outside: 'skip' });
  expect([[...t], [...x], outside, skipped]).toEqual([[1, 3], [3, 33], 2, 0]);
  await expectSameStream(
    () => readNMnist(bytes, { outside: 'skip' }),
    () => streamNMnist(pieces(bytes, [3, 7]), { outside: 'skip', batchSize: 1 }),
    1,
  );
  const none = nMnistFile(events.slice(0, 1));
  expect(() => readNMnist(none, { outside: 'skip' })).toThrow(/none, only 1 beside the sensor/);
});

test('a stream gives the same, wherever its chunks are cut', async () => {
  await expectSameStreams(
    200,
    file,
    (whole) => readNMnist(whole),
    (chunks, batchSize) => streamNMnist(chunks, { batchSize }),
  );
});

test('mutated and random bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.oneof(mutated(file), fc.uint8Array({ maxLength: 40 })), (bytes) => {
      try {
        const { t, x, y, skipped } = readNMnist(bytes);
        expect(t.length + skipped).toBe(bytes.length / 5);
        expect(x.every((column) => column < 34) && y.every((row) => row < 34)).toBe(true);
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
      }
    }),
    { numRuns: numRuns(10_000) },
  );
});

const folder = path.join(process.env.SPIKINGFORMER_TEST_DATA ?? '', 'events');
const present = Boolean(process.env.SPIKINGFORMER_TEST_DATA) && existsSync(folder);
const skipped = ' (skipped: SPIKINGFORMER_TEST_DATA names no folder with events)';
(present ? test : test.skip)(`real recordings${present ? '' : skipped}`, () => {
  expect(readNMnist(readFileSync(path.join(folder, 'nmnist-one.bin'))).t.length).toBe(4325);
  const small = path.join(folder, 'nmnist-small');
  const names = readdirSync(small).filter((name) => name.endsWith('.bs2'));
  const counts = names.map((name) => readNMnist(readFileSync(path.join(small, name))).t.length);
  expect(counts.reduce((a, b) => a + b)).toBe(4_518_827);
});
