/** AEDAT 2.0: words of DVS128 and DAVIS, unsigned times, headers of any length, real recordings. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { DatasetError, readAedat2, streamAedat2 } from '../../datasets';
import {
  aedat2File,
  ascii,
  columns,
  davisWord,
  dvs128Word,
  eventsOn,
  expectSameStream,
  pieces,
} from './event_files';

const dvs128 = { sensor: 'dvs128' } as const;
const davis240 = { sensor: 'davis240' } as const;
const one = [0x0102, 5] as const;

test('DVS128 words: polarity bit 0, x bits 1 to 7, y bits 8 to 14', () => {
  fc.assert(
    fc.property(eventsOn(128, 128), (events) => {
      const file = aedat2File(events.map((event) => [dvs128Word(event), event.t]));
      const size = { width: 128, height: 128, skipped: 0, backwards: 0 };
      expect(readAedat2(file, dvs128)).toEqual({ ...columns(events), ...size });
      const turned = events.map(({ t, x, y, p }) => ({ t, x: 127 - y, y: 127 - x, p: 1 - p }));
      expect(readAedat2(file, { ...dvs128, axes: 'cifar10dvs' })).toEqual({
        ...columns(turned),
        ...size,
      });
    }),
  );
});

test.each([
  ['davis240', 240, 180],
  ['davis346', 346, 260],
  ['davis640', 640, 480],
] as const)(
  '%s words: polarity bit 11, x bits 12 to 21, y bits 22 to 30',
  (sensor, width, height) => {
    fc.assert(
      fc.property(eventsOn(width, height), fc.array(fc.nat(29)), (events, others) => {
        const records = events.map((event) => [davisWord(event), event.t] as const);
        for (const [i, at] of others.entries()) {
          // APS, IMU (bit 31) and external input (bit 10), whose positions and times mean nothing.
          const word = (i % 2 ? 0x400 : 0x80000000) | 0x7ffff000;
          records.splice(at % (records.length + 1), 0, [word >>> 0, 7]);
        }
        expect(readAedat2(aedat2File(records), { sensor })).toEqual({
          ...columns(events),
          width,
          height,
          skipped: others.length,
          backwards: 0,
        });
      }),
    );
  },
);

test('dvs640 words: polarity bit 0, x bits 1 to 10, y bits 11 to 20', () => {
  fc.assert(
    fc.property(eventsOn(640, 480), (events) => {
      const file = aedat2File(events.map(({ t, x, y, p }) => [(x << 1) | (y << 11) | p, t]));
      const size = { width: 640, height: 480, skipped: 0, backwards: 0 };
      expect(readAedat2(file, { sensor: 'dvs640' })).toEqual({ ...columns(events), ...size });
    }),
  );
  const stray = aedat2File([[1 << 21, 0]]);
  expect(() => readAedat2(stray, { sensor: 'dvs640' })).toThrow(
    /address of 21 bits, but has 0x200/,
  );
  const beside = aedat2File([[640 << 1, 0]]);
  expect(() => readAedat2(beside, { sensor: 'dvs640' })).toThrow(/640 x 480, but has x 640, y 0/);
});

describe("the header's camera", () => {
  const jaer = (chip: string) => `#!AER-DAT2.0\r\n# AEChip: ${chip}\r\n`;
  const v2e =
    '#!AER-DAT2.0\r\n# This is a raw AE data file created by AEDat2Output in v2e (see x)\r\n';

  test.each([
    [jaer('ch.unizh.ini.jaer.chip.retina.DVS128'), 'dvs128'],
    [jaer('ch.unizh.ini.caviar.chip.retina.Tmpdiff128'), 'dvs128'],
    [jaer('ch.unizh.ini.jaer.chip.retina.DVS640'), 'dvs640'],
    [jaer('eu.seebetter.ini.chips.davis.DAVIS240C'), 'davis240'],
    [jaer('DAVIS240C'), 'davis240'],
    [jaer('eu.seebetter.ini.chips.sbret10.SBret10'), 'davis240'],
    [jaer('eu.seebetter.ini.chips.davis.Davis346red'), 'davis346'],
    [jaer('eu.seebetter.ini.chips.davis.Davis640'), 'davis640'],
  ] as const)('%j is read as %s only', async (head, right) => {
    const file = aedat2File([[0, 5]], head);
    expect(readAedat2(file, { sensor: right }).t).toHaveLength(1);
    for (const sensor of ['dvs128', 'dvs640', 'davis240', 'davis346', 'davis640'] as const) {
      if (sensor === right) continue;
      const message = `(sensor '${right}'), but got '${sensor}'`;
      expect(() => readAedat2(file, { sensor })).toThrow(message);
      const stream = streamAedat2(pieces(file, [20, 30]), { sensor });
      await expect(stream.next()).rejects.toThrow(message);
    }
  });

  test('v2e names no chip, and writes 640 x 480 for a DVS640', () => {
    const file = aedat2File([[0, 5]], v2e);
    expect(() => readAedat2(file, { sensor: 'davis640' })).toThrow(
      /^sensor must be .* 'v2e', which writes 640 x 480 as \(sensor 'dvs640'\), but got 'davis640'/,
    );
    for (const sensor of ['dvs640', 'davis240', 'davis346'] as const) {
      expect(readAedat2(file, { sensor }).t).toHaveLength(1);
    }
  });

  test.each(['eu.seebetter.ini.chips.davis.DAVIS208', 'prophesee.chip.PropheseeIMX636HD'])(
    '%s is none that is read; no camera at all contradicts nothing',
    (chip) => {
      const refused = aedat2File([[0, 5]], jaer(chip));
      expect(() => readAedat2(refused, davis240)).toThrow(/whose addresses are not read here/);
      expect(readAedat2(aedat2File([[0, 5]], jaer('mine')), davis240).t).toHaveLength(1);
    },
  );
});

test('events beside the sensor are left out and counted, when told so', async () => {
  await fc.assert(
    fc.asyncProperty(
      eventsOn(300, 200, 60),
      fc.integer({ min: 1, max: 9 }),
      async (events, batchSize) => {
        const inside = events.filter(({ x, y }) => x < 240 && y < 180);
        const outside = events.length - inside.length;
        const file = aedat2File(events.map((event) => [davisWord(event), event.t]));
        const skip = { ...davis240, outside: 'skip' } as const;
        if (inside.length === 0) {
          expect(() => readAedat2(file, skip)).toThrow(`only ${outside} beside the sensor`);
          return;
        }
        const counts = { width: 240, height: 180, skipped: 0, backwards: 0, outside };
        expect(readAedat2(file, skip)).toEqual({ ...columns(inside), ...counts });
        const stream = () => streamAedat2(pieces(file, [70, 99]), { ...skip, batchSize });
        await expectSameStream(() => readAedat2(file, skip), stream, batchSize);
      },
    ),
  );
  const first = aedat2File([[250 << 12, 0]]);
  expect(() => readAedat2(first, davis240)).toThrow(
    /\(outside: 'skip' reads on and counts these\)/,
  );
});

test('times are unsigned, and go on where the counter wraps', () => {
  const times = [3e9, 2 ** 32 - 1, 0, 9, 2 ** 31, 2 ** 32 - 2, 3];
  const file = aedat2File(times.map((time) => [0, time] as const));
  const wrap = 2 ** 32;
  const expected = [3e9, wrap - 1, wrap, wrap + 9, wrap + 2 ** 31, 2 * wrap - 2, 2 * wrap + 3];
  expect([...readAedat2(file, dvs128).t]).toEqual(expected);
});

test('events that step back are refused, or kept and counted', () => {
  const file = aedat2File([7, 5, 6, 2, 4e9, 1].map((time) => [0, time] as const));
  expect(() => readAedat2(file, dvs128)).toThrow(DatasetError);
  expect(() => readAedat2(file, dvs128)).toThrow(/^event 1 of .* from 7 to 5 microseconds/);
  const { t, backwards } = readAedat2(file, { ...dvs128, nonMonotonic: 'keep' });
  // From 2 to 4e9 is a step of more than half the counter: no wrap, as no time is below 0.
  expect([...t]).toEqual([7, 5, 6, 2, 4e9, 2 ** 32 + 1]);
  expect(backwards).toBe(3);
});

test.each([
  ['one line', '#!AER-DAT2.0\r\n'],
  ['LF only', '#!AER-DAT2.0\n# a\n'],
  ['bytes beyond ASCII', '#!AER-DAT2.0\r\n# User name: Jos\xe9\r\n'],
  ['hundreds of lines', `#!AER-DAT2.0\r\n${'#  <entry key="a" value="b"/>\r\n'.repeat(999)}`],
])('header: %s', (_, head) => {
  const { t, x, y } = readAedat2(aedat2File([one], head), dvs128);
  expect([t[0], x[0], y[0], t.length]).toEqual([5, 1, 1, 1]);
});

test('a first event that begins with the byte of # is no header line', () => {
  const event = { t: 5, x: 1, y: 141, p: 0 };
  const word = davisWord(event);
  expect(word >>> 24).toBe(0x23);
  const records = [0, 1, 2].map((i) => [word, 5 + i] as const);
  expect(readAedat2(aedat2File(records), davis240).y).toEqual(Uint16Array.of(141, 141, 141));
  const head = '#!AER-DAT2.0\r\n#End Of ASCII Header\r\n';
  const text = aedat2File([[0x23402020, 0x20202020]], head);
  expect(readAedat2(text, davis240).y).toEqual(Uint16Array.of(141));
  // '#' and a line feed: x 160, y 140.
  expect(readAedat2(aedat2File([[0x230a0000, 0]]), davis240).x).toHaveLength(1);
});

test('reads from a view inside a larger buffer, and from a buffer', () => {
  const file = aedat2File([one]);
  const large = new Uint8Array(file.length + 9);
  large.set(file, 5);
  const view = large.subarray(5, 5 + file.length);
  expect(readAedat2(view, dvs128)).toEqual(readAedat2(file.slice().buffer, dvs128));
});

test.each<[string, Uint8Array, RegExp]>([
  ['empty', new Uint8Array(0), /must be whole, but the file ends in line 0/],
  ['no header', Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7), /begins with 00 01 02 03 04 05 06 07/],
  ['version 3.1', ascii('#!AER-DAT3.1\r\n'), /begins with '#!AER-DAT3.1' \(readAedat31 reads it\)/],
  ['version 1.0', ascii('#!AER-DAT1.0\r\n'), /begins with '#!AER-DAT1.0'$/],
  ['cut magic', ascii('#!AER-'), /ends in line 0/],
  ['cut header', ascii('#!AER-DAT2.0\r\n# cut'), /ends in line 1/],
  ['endless line', ascii(`#!AER-DAT2.0\r\n#${' '.repeat(70_000)}`), /shorter than 65536 bytes/],
  ['no event', ascii('#!AER-DAT2.0\r\n# a\r\n'), /must hold events, but holds none$/],
  ['cut record', aedat2File([one, one]).subarray(0, -3), /ends with 5 bytes after event 0/],
])('refuses a file: %s', (_, file, message) => {
  expect(() => readAedat2(file, dvs128)).toThrow(DatasetError);
  expect(() => readAedat2(file, dvs128)).toThrow(message);
});

test('refuses addresses outside the sensor', () => {
  const wide = aedat2File([
    [0, 0],
    [240 << 12, 5],
  ]);
  expect(() => readAedat2(wide, davis240)).toThrow(/event 1 .* sensor of 240 x 180.* x 240, y 0/);
  expect(readAedat2(wide, { sensor: 'davis346' }).x[1]).toBe(240);
  expect(() => readAedat2(wide, dvs128)).toThrow(/address of 16 bits, but has 0xf0000/);
  const high = aedat2File([[180 << 22, 5]]);
  expect(() => readAedat2(high, davis240)).toThrow(/x 0, y 180/);
  const others = aedat2File([[0x8000, 5]]);
  expect(() => readAedat2(others, dvs128)).toThrow(/holds none, only 1 records of other kinds/);
});

test('refuses options that it does not know', () => {
  const file = aedat2File([one]);
  const read = (options: object) => () => readAedat2(file, options as never);
  expect(read({})).toThrow(/^sensor must be one of dvs128.*, but got undefined/);
  expect(read({ sensor: 'dvs64' })).toThrow(/^sensor must be .*, but got "dvs64"/);
  expect(read({ sensor: 'toString' })).toThrow(DatasetError);
  expect(read({ ...dvs128, nonMonotonic: true })).toThrow(/'error', 'keep', but got true/);
  expect(read({ ...dvs128, sort: 1 })).toThrow(/no keys but sensor, .*; got 'sort'/);
  expect(read({ ...davis240, axes: 'cifar10dvs' })).toThrow(/need sensor 'dvs128'/);
  expect(() => readAedat2(file, null as never)).toThrow(DatasetError);
  expect(() => readAedat2(null as never, dvs128)).toThrow(DatasetError);
});

const folder = path.join(process.env.SPIKINGFORMER_TEST_DATA ?? '', 'events');
const present = Boolean(process.env.SPIKINGFORMER_TEST_DATA) && existsSync(folder);
const skipped = ' (skipped: SPIKINGFORMER_TEST_DATA names no folder with events)';
(present ? describe : describe.skip)(`real recordings${present ? '' : skipped}`, () => {
  test.each([
    ['dvs128/Caixa.aedat', 'dvs128', 201_523, 0, 3_151_642_323, 3_170_134_272],
    ['dvs128/Lapiseira.aedat', 'dvs128', 126_164, 0, 3_799_644_735, 3_818_152_388],
    ['davis240c-with-imu.aedat', 'davis240', 162_771, 33_837, 294_976_755, 297_049_406],
  ] as const)('%s', async (name, sensor, count, others, first, last) => {
    const file = readFileSync(path.join(folder, name));
    const whole = readAedat2(file, { sensor });
    const { t, skipped, backwards } = whole;
    expect([t.length, skipped, backwards]).toEqual([count, others, 0]);
    expect([t[0], t[count - 1]]).toEqual([first, last]);
    const borders = Array.from({ length: 999 }, (_, i) => (i * 7_368_787) % file.length);
    await expectSameStream(
      () => whole,
      () => streamAedat2(pieces(file, borders), { sensor, batchSize: 10_000 }),
      10_000,
    );
  });

  test('a header and no event', () => {
    const file = readFileSync(path.join(folder, 'aedat2-header-only.aedat'));
    const read = () => readAedat2(file, { sensor: 'davis346' });
    expect(read).toThrow(DatasetError);
    expect(read).toThrow(/must hold events, but holds none/);
  });

  test('AEDAT 4 is another format', () => {
    const file = readFileSync(path.join(folder, 'davis346.aedat4'));
    expect(() => readAedat2(file, { sensor: 'davis346' })).toThrow(
      /must begin with the line.*AEDAT 4/,
    );
  });
});
