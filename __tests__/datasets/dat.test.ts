/** DAT, as N-Cars has it: records, headers with and without a size, files that lie. */
import fc from 'fast-check';
import { DatasetError, readDat, streamDat } from '../../datasets';
import { readRecording } from '../../node/datasets/own/recording';
import {
  ascii,
  columns,
  DAT_HEAD,
  datFile,
  eventsOn,
  expectSameStreams,
  joinBytes,
  numRuns,
} from './event_files';

const SIZED = `${DAT_HEAD}% Height 100\n% Width 120\n`;
const event = (t: number, x = 1, y = 2, p = 1) => ({ t, x, y, p });

test('all events, of either type, with the size that the header states or is given', () => {
  fc.assert(
    fc.property(
      eventsOn(120, 100),
      fc.constantFrom([0, 8] as const, [12, 8] as const),
      (events, kind) => {
        const expected = { ...columns(events), skipped: 0, backwards: 0, width: 120, height: 100 };
        expect(readDat(datFile(events, SIZED, kind))).toEqual(expected);
        const sensor = { width: 120, height: 100 };
        expect(readDat(datFile(events, DAT_HEAD, kind), { sensor })).toEqual(expected);
      },
    ),
    { numRuns: numRuns(60) },
  );
});

test('by hand: 14 bits of x and of y, polarity in bit 28, times beyond 2^31', () => {
  const record = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f);
  const bytes = joinBytes(ascii(DAT_HEAD), Uint8Array.of(0, 8), record);
  const { t, x, y, p } = readDat(bytes, { sensor: { width: 16384, height: 16384 } });
  expect([t[0], x[0], y[0], p[0]]).toEqual([2 ** 32 - 1, 16383, 16383, 1]);
});

test('a stream cut anywhere gives the same, or the same refusal', async () => {
  const file = eventsOn(120, 100).map((events) => datFile(events, SIZED));
  await expectSameStreams(
    200,
    file,
    (whole) => readDat(whole),
    (chunks, batchSize) => streamDat(chunks, { batchSize }),
  );
});

test.each<[string, Uint8Array, RegExp]>([
  ['no header', datFile([event(1)], ''), /must begin with lines such as '% Data file containing'/],
  ['a header of another file', datFile([event(1)], '% evt 3.0\n'), /Prophesee RAW \(EVT 3\.0\)/],
  ['version 1', datFile([event(1)], SIZED.replace('2', '1')), /must have version 2, but has 1/],
  [
    'no version',
    datFile([event(1)], SIZED.replace(/.*Version.*\n/, '')),
    /version 2, but has none/,
  ],
  ['another type', datFile([event(1)], SIZED, [14, 8]), /events of type 0 or 12, but has 14/],
  ['another size', datFile([event(1)], SIZED, [12, 16]), /records of 8 bytes, but has 16/],
  ['no size', datFile([event(1)]), /sensor must be the size \{width, height\} of the camera/],
  ['a size of 0', datFile([event(1)], SIZED.replace('120', '0')), /from 1 to 65536, but got/],
  [
    'a cut record',
    datFile([event(1), event(2)], SIZED).subarray(0, -3),
    /ends with 5 bytes after event 0/,
  ],
  ['a header only', ascii(SIZED), /must have events after its header/],
  ['no events', datFile([], SIZED), /must hold events, but holds none/],
  [
    'a header without end',
    ascii(`% Data file containing ${'x'.repeat(2 ** 16)}`),
    /shorter than 65536 bytes/,
  ],
  ['lines without end', ascii('% Data file containing\n'.repeat(3000)), /shorter than 65536 bytes/],
  ['a polarity of 2', datFile([event(1, 1, 2, 2)], SIZED), /polarity 0 or 1, but has 2/],
  [
    'an event beside the sensor',
    datFile([event(1, 120)], SIZED),
    /event 0 of an event DAT recording must lie/,
  ],
  [
    'a time that steps back',
    datFile([event(9), event(8)], SIZED),
    /steps from 9 to 8 microseconds/,
  ],
])('%s is a DatasetError', (_, bytes, message) => {
  expect(() => readDat(bytes)).toThrow(DatasetError);
  expect(() => readDat(bytes)).toThrow(message);
});

test('of your own: the stated sensor, the given one, or as large as the events need', async () => {
  const events = [event(1, 7, 3), event(2, 5, 9, 0)];
  const of = async (head: string, sensor?: [number, number]) => {
    const recording = await readRecording('car.dat', Buffer.from(datFile(events, head)), sensor);
    if ('frames' in recording) throw new Error('it has events');
    const { width, height } = recording.events;
    return { width, height, said: recording.said };
  };
  expect(await of(SIZED)).toEqual({ width: 120, height: 100, said: true });
  expect(await of(DAT_HEAD, [50, 60])).toEqual({ width: 60, height: 50, said: false });
  expect(await of(DAT_HEAD)).toEqual({ width: 8, height: 10, said: false });
});
