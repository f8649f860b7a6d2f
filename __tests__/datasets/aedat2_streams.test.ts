/** AEDAT 2.0 in chunks cut anywhere, and mutated: read as the whole file is, or refused. */
import fc from 'fast-check';
import { DatasetError, readAedat2, streamAedat2 } from '../../datasets';
import {
  aedat2File,
  ascii,
  davisWord,
  dvs128Word,
  eventsOn,
  expectSameStreams,
  joinBytes,
  mutated,
  numRuns,
  pieces,
} from './event_files';

const dvs128 = { sensor: 'dvs128' } as const;
const davis240 = { sensor: 'davis240' } as const;
const one = [0x0102, 5] as const;

const davisFile = fc
  .tuple(eventsOn(240, 180), fc.array(fc.nat(99), { maxLength: 3 }))
  .map(([events, others]) => {
    const records = events.map((event) => [davisWord(event), event.t] as const);
    for (const at of others) records.splice(at % (records.length + 1), 0, [0x80000000, 0]);
    return aedat2File(records);
  });

test('a stream gives the same, wherever its chunks are cut', async () => {
  await expectSameStreams(
    300,
    davisFile,
    (whole) => readAedat2(whole, davis240),
    (chunks, batchSize) => streamAedat2(chunks, { ...davis240, batchSize }),
  );
});

test('a stream byte by byte, and one of arrays', async () => {
  const file = aedat2File([one, [0x0304, 6], [0x0507, 9]]);
  const whole = readAedat2(file, dvs128);
  const all = Array.from({ length: file.length }, (_, i) => i);
  for await (const batch of streamAedat2(pieces(file, all), dvs128)) expect(batch).toEqual(whole);
  for await (const batch of streamAedat2([file], dvs128)) expect(batch).toEqual(whole);
  const badBatch = streamAedat2([file], { ...dvs128, batchSize: 0 });
  await expect(badBatch.next()).rejects.toThrow(/batchSize must be an integer .*, but got 0/);
});

test('mutated and random bytes are read or refused', () => {
  const dvsFile = eventsOn(128, 128).map((events) =>
    aedat2File(events.map((event) => [dvs128Word(event), event.t])),
  );
  const head = ascii('#!AER-DAT2.0\r\n');
  const random = fc.uint8Array({ maxLength: 64 });
  const bytes = fc.oneof(
    mutated(dvsFile),
    mutated(davisFile),
    random,
    random.map((rest) => joinBytes(head, rest)),
  );
  const options = fc.record({
    sensor: fc.constantFrom('dvs128', 'davis240', 'davis346', 'davis640'),
    nonMonotonic: fc.constantFrom('error', 'keep'),
  });
  fc.assert(
    fc.property(bytes, options, (file, given) => {
      try {
        const { t, x, y, p, width, height, skipped, backwards } = readAedat2(file, given as never);
        expect(t.length).toBeGreaterThan(0);
        expect(t.length + skipped).toBeLessThanOrEqual(file.length / 8);
        expect([x.length, y.length, p.length]).toEqual([t.length, t.length, t.length]);
        expect(x.every((column) => column < width) && y.every((row) => row < height)).toBe(true);
        expect(t.every((time) => time >= 0)).toBe(true);
        if (backwards === 0) expect(t.every((time, i) => i === 0 || time >= t[i - 1])).toBe(true);
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
      }
    }),
    { numRuns: numRuns(10_000) },
  );
});
