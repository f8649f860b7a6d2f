/** The csv of DVS128 Gesture: rows, overlapping times, files that are something else. */
import fc from 'fast-check';
import { cutEvents, DatasetError, readAedat31, readDvsGestureLabels } from '../../datasets';
import { aedat31File } from './event_files';

const HEADER = 'class,startTime_usec,endTime_usec';

test('class, start and end of each row, in order', () => {
  const expected = [
    { class: 1, start: 80048239, end: 85092709 },
    { class: 11, start: 85000000, end: 89431170 }, // overlaps, as in user22_led_labels.csv
  ];
  const rows = ['1,80048239,85092709', '11,85000000,89431170'];
  for (const end of ['\n', '\r\n']) {
    expect(readDvsGestureLabels([HEADER, ...rows, ''].join(end))).toEqual(expected);
  }
  expect(readDvsGestureLabels(`\uFEFF${HEADER}\n${rows[0]}`)).toEqual(expected.slice(0, 1));
});

test('cuts a recording as SpikingJelly does: start <= t < end', () => {
  const times = [5, 10, 15, 20, 25];
  const events = times.map((t) => ({ t, x: t, y: 1, p: 0 }));
  const recording = readAedat31(aedat31File([{ events }]));
  const cuts = readDvsGestureLabels(`${HEADER}\n2,10,20\n3,19,99\n`).map(({ start, end }) =>
    cutEvents(recording, start, end),
  );
  expect(cuts.map(({ t }) => [...t])).toEqual([
    [10, 15],
    [20, 25],
  ]);
});

test.each<[string, string, RegExp]>([
  ['empty', '', /must begin with 'class,.*', but begins with ''/],
  ['no header', '1,2,3', /but begins with '1,2,3'/],
  ['no row', `${HEADER}\r\n`, /must hold at least one row/],
  ['class 0', `${HEADER}\n0,2,3`, /^line 2 .* but is '0,2,3'/],
  ['class 12', `${HEADER}\n1,2,3\n12,2,3`, /^line 3 .* class from 1 to 11/],
  ['end before start', `${HEADER}\n1,3,3`, /later end .* '1,3,3'/],
  ['two cells', `${HEADER}\n1,3`, /is '1,3'/],
  ['four cells', `${HEADER}\n1,3,4,5`, /is '1,3,4,5'/],
  ['no number', `${HEADER}\n1,0x3,4e9`, /is '1,0x3,4e9'/],
  ['negative', `${HEADER}\n1,-3,4`, /is '1,-3,4'/],
  ['too long', `${HEADER}\n1,3,${'9'.repeat(99)}`, /is '1,3,9{56}'$/],
])('refuses a csv: %s', (_, csv, message) => {
  expect(() => readDvsGestureLabels(csv)).toThrow(DatasetError);
  expect(() => readDvsGestureLabels(csv)).toThrow(message);
});

test('any text is read or refused', () => {
  const cell = fc.oneof(fc.nat().map(String), fc.string({ maxLength: 5 }));
  const row = fc.array(cell, { maxLength: 4 }).map((cells) => cells.join(','));
  const csv = fc.array(row, { maxLength: 4 }).map((rows) => [HEADER, ...rows].join('\n'));
  fc.assert(
    fc.property(fc.oneof(csv, fc.string()), (text) => {
      try {
        for (const { class: gesture, start, end } of readDvsGestureLabels(text)) {
          expect(gesture >= 1 && gesture <= 11 && start < end).toBe(true);
        }
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
      }
    }),
  );
  expect(() => readDvsGestureLabels(new Uint8Array(3) as never)).toThrow(DatasetError);
});
