/** AEDAT 3.1: packets of several types, valid bits, overflowing times, files that lie. */
import fc from 'fast-check';
import { DatasetError, readAedat31, streamAedat31 } from '../../datasets';
import {
  AEDAT31_HEAD,
  aedat31File,
  aedat31Packet,
  ascii,
  columns,
  eventsOn,
  expectSameStream,
  expectSameStreams,
  joinBytes,
  mutated,
  numRuns,
  pieces,
  type TestPacket,
} from './event_files';

const event = (t: number, x = 1, y = 2, p = 1) => ({ t, x, y, p });

/** Events in packets of a few, with invalid ones and packets of another type between them. */
const recording = fc
  .tuple(
    eventsOn(128, 128),
    fc.integer({ min: 1, max: 9 }),
    fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
    fc.nat(3),
  )
  .map(([events, perPacket, valid, others]) => {
    const packets: TestPacket[] = [];
    for (let i = 0; i < events.length; i += perPacket) {
      const some = events.slice(i, i + perPacket);
      packets.push({
        events: some.map((each, j) => ({ ...each, valid: i === 0 || valid[i + j] })),
      });
    }
    const other: TestPacket = { type: 0, events: [event(0), event(0)] };
    for (let i = 0; i < others; i++) packets.splice(i * 2, 0, other);
    return { packets, others };
  });
const file = recording.map(({ packets }) => aedat31File(packets));

test('polarity events of all packets; other types and invalid events are counted', () => {
  fc.assert(
    fc.property(recording, ({ packets, others }) => {
      const all = packets.filter(({ type }) => type !== 0).flatMap(({ events }) => events);
      const valid = all.filter((each) => each.valid !== false);
      const size = { width: 128, height: 128, backwards: 0 };
      const bytes = aedat31File(packets);
      const skipped = all.length - valid.length + 2 * others;
      expect(readAedat31(bytes)).toEqual({ ...columns(valid), ...size, skipped });
      // As SpikingJelly reads: the valid bit is not looked at.
      expect(readAedat31(bytes, { invalid: 'keep' })).toEqual({
        ...columns(all),
        ...size,
        skipped: 2 * others,
      });
    }),
    { numRuns: 60 },
  );
});

test('the overflow counter adds 2^31 microseconds', () => {
  const packets = [
    { events: [event(5), event(2 ** 31 - 1)] },
    { events: [event(0), event(7)], overflow: 1 },
    { events: [event(1)], overflow: 3 },
  ];
  const wrap = 2 ** 31;
  const expected = [5, wrap - 1, wrap, wrap + 7, 3 * wrap + 1];
  expect([...readAedat31(aedat31File(packets)).t]).toEqual(expected);
  // IBM's description has 32 bits: without overflow it is clear what they mean.
  expect([...readAedat31(aedat31File([{ events: [event(3e9)] }])).t]).toEqual([3e9]);
  const both = aedat31File([{ events: [event(3e9)], overflow: 1 }]);
  expect(() => readAedat31(both)).toThrow(/time below 2\^31 .* counter 1, but has 3000000000/);
});

test('events that step back are refused, or kept and counted', () => {
  const bytes = aedat31File([{ events: [event(5), event(4)] }, { events: [event(3)] }]);
  expect(() => readAedat31(bytes)).toThrow(/^event 1 of an AEDAT 3.1 .* from 5 to 4 micro/);
  const { t, backwards } = readAedat31(bytes, { nonMonotonic: 'keep' });
  expect([[...t], backwards]).toEqual([[5, 4, 3], 2]);
});

test('the sensor is what the header names, or what is given', () => {
  const packets = [{ events: [event(1, 200, 150)] }];
  const head = (source: string) => `#!AER-DAT3.1\r\n${source}#!END-HEADER\r\n`;
  const davis = aedat31File(packets, head('#-Source 0: DVS128\r\n#Source 0: DAVIS240C\r\n'));
  expect(readAedat31(davis)).toMatchObject({ width: 240, height: 180 });
  expect(readAedat31(davis, { sensor: 'davis240' })).toMatchObject({ width: 240, height: 180 });
  expect(() => readAedat31(davis, { sensor: 'davis346' })).toThrow(
    /^sensor must be the camera of the file's header, 'davis240', or a size .* but got 'davis346'$/,
  );
  const sensor = { width: 201, height: 151 };
  expect(readAedat31(davis, { sensor })).toMatchObject(sensor);
  expect(() => readAedat31(davis, { sensor: { width: 201, height: 150 } })).toThrow(/y 150/);
  expect(() => readAedat31(aedat31File(packets))).toThrow(/on the sensor of 128 x 128, .* x 200/);
  const none = aedat31File([{ events: [event(1)] }], head(''));
  expect(readAedat31(none)).toMatchObject({ width: 128, height: 128 });
  const odd = aedat31File(packets, head('#Source 0: DYNAPSE\r\n'));
  expect(() => readAedat31(odd)).toThrow(/but is 'DYNAPSE': give its size as sensor/);
  expect(() => readAedat31(odd, { sensor: { width: 0, height: 1 } })).toThrow(/^sensor must be/);
});

test('events beside the sensor are refused, or left out and counted', async () => {
  const events = [event(1, 200, 3), event(2, 3, 4), event(1, 5, 127), event(3, 128, 0)];
  const bytes = aedat31File([{ events }, { events: [event(4, 9, 9)] }]);
  expect(() => readAedat31(bytes)).toThrow(/event 0 .* \(outside: 'skip' reads on/);
  const skip = { outside: 'skip', nonMonotonic: 'keep' } as const;
  const { t, x, outside, skipped, backwards } = readAedat31(bytes, skip);
  expect([[...t], [...x], outside, skipped, backwards]).toEqual([[2, 1, 4], [3, 5, 9], 2, 0, 1]);
  await expectSameStream(
    () => readAedat31(bytes, skip),
    () => streamAedat31(pieces(bytes, [100, 130, 140]), { ...skip, batchSize: 2 }),
    2,
  );
});

const two = [event(1), event(2)];
test.each<[string, Uint8Array, RegExp]>([
  ['version 2.0', ascii('#!AER-DAT2.0\r\n'), /'#!AER-DAT2.0' \(readAedat2 reads it\)/],
  ['no end of header', ascii('#!AER-DAT3.1\r\n'), /must end with '#!END-HEADER'/],
  [
    'data before the end of header',
    joinBytes(ascii('#!AER-DAT3.1\r\n'), aedat31Packet({ events: two })),
    /'#!END-HEADER', but line 1 does not begin with '#'/,
  ],
  [
    'compressed',
    aedat31File([], '#!AER-DAT3.1\r\n#Format: SerializedTS\r\n#!END-HEADER\r\n'),
    /must be RAW, but is 'SerializedTS'/,
  ],
  ['no packet', aedat31File([]), /holds none$/],
  ['no polarity event', aedat31File([{ type: 2, events: two }]), /only 2 records of other kinds/],
  [
    'cut packet header',
    aedat31File([{ events: two }]).subarray(0, -20),
    /24 bytes into the header/,
  ],
  ['cut event', aedat31File([{ events: two }]).subarray(0, -3), /ends 3 bytes before the end of/],
  ['cut packet of another type', aedat31File([{ type: 3, events: two }]).subarray(0, -3), /ends 3/],
  ['absurd count', aedat31File([{ events: two, fields: { number: 2e9, capacity: 2e9 } }]), /ends/],
  ['negative count', aedat31File([{ events: two, fields: { number: 4e9 } }]), /one event or more/],
  ['no count', aedat31File([{ events: [] }]), /must have one event or more, but has 0/],
  ['capacity', aedat31File([{ events: two, fields: { capacity: 3 } }]), /3 for 2 events/],
  ['event size', aedat31File([{ events: two, fields: { size: 12 } }]), /event size 8, but has 12/],
  ['size 0', aedat31File([{ type: 2, events: two, fields: { size: 0 } }]), /an event size, .* 0/],
  ['offset', aedat31File([{ events: two, fields: { offset: 0 } }]), /timestamp offset 4, .* 0/],
  ['overflow', aedat31File([{ events: two, overflow: 2 ** 22 }]), /below 2\^22, but has 4194304/],
  ['more valid', aedat31File([{ events: two, fields: { valid: 3 } }]), /valid .* has 3 of 2/],
  ['fewer valid', aedat31File([{ events: two, fields: { valid: 1 } }]), /but has 1 more/],
  ['negative type', aedat31File([{ type: 0xffff, events: two }]), /type of 0 or more, but has -1/],
])('refuses a file: %s', (_, bytes, message) => {
  expect(() => readAedat31(bytes)).toThrow(DatasetError);
  expect(() => readAedat31(bytes)).toThrow(message);
});

test('refuses options that it does not know', () => {
  const bytes = aedat31File([{ events: two }]);
  expect(() => readAedat31(bytes, { invalid: 'drop' } as never)).toThrow(/'skip', 'keep', but got/);
  expect(() => readAedat31(bytes, { axes: 'raw' } as never)).toThrow(/got 'axes'/);
});

test('a stream gives the same, wherever its chunks are cut', async () => {
  await expectSameStreams(
    300,
    file,
    (whole) => readAedat31(whole),
    (chunks, batchSize) => streamAedat31(chunks, { batchSize }),
  );
});

test('mutated and random bytes are read or refused', () => {
  const head = ascii(AEDAT31_HEAD);
  const random = fc.uint8Array({ maxLength: 80 });
  const bytes = fc.oneof(
    { weight: 4, arbitrary: mutated(file) },
    { weight: 1, arbitrary: random },
    { weight: 1, arbitrary: random.map((rest) => joinBytes(head, rest)) },
  );
  const options = fc.record({
    nonMonotonic: fc.constantFrom('error', 'keep'),
    invalid: fc.constantFrom('skip', 'keep'),
  });
  fc.assert(
    fc.property(bytes, options, (mutant, given) => {
      try {
        const { t, x, y } = readAedat31(mutant, given as never);
        expect(t.length).toBeGreaterThan(0);
        expect(t.length).toBeLessThanOrEqual(mutant.length / 8);
        expect(x.every((column) => column < 128) && y.every((row) => row < 128)).toBe(true);
        expect(t.every((time) => Number.isSafeInteger(time) && time >= 0)).toBe(true);
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
      }
    }),
    { numRuns: numRuns(10_000) },
  );
});
