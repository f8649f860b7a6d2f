/** NumPy files: values, byte orders, column-major and structured arrays, and what is refused; events and frames of them. */
import {
  eventsFromColumns,
  eventsFromRows,
  framesFromArray,
  hasEventColumns,
} from '../../datasets/event_arrays';
import { fitEvents, fitFrames } from '../../datasets/fit_events';
import { readNpy } from '../../datasets/npy';
import { doubles, npyFile } from './npy_file';

describe('readNpy', () => {
  test.each([
    ["'<u2'", Uint8Array.of(1, 2, 255, 0), [513, 255]],
    ["'>i2'", Uint8Array.of(255, 254, 0, 3), [-2, 3]],
    ["'|b1'", Uint8Array.of(1, 0), [1, 0]],
    ["'<i8'", new Uint8Array(BigInt64Array.of(-5n, 2n ** 40n).buffer), [-5, 2 ** 40]],
    ["'<f8'", doubles(0.5, -2), [0.5, -2]],
  ])('%s', (descr, bytes, values) => {
    const { array } = readNpy(npyFile(descr, '(2,)', bytes));
    expect(array!.shape).toEqual([2]);
    expect([...array!.data]).toEqual(values);
  });

  test('column-major arrays come out row-major', () => {
    const { array } = readNpy(npyFile("'|u1'", '(2, 3)', Uint8Array.of(1, 4, 2, 5, 3, 6), true));
    expect([...array!.data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('structured arrays have an array for each field', () => {
    const descr = "[('t', '<u4'), ('x', '|u1'), ('p', '|b1')]";
    const { fields } = readNpy(
      npyFile(descr, '(2,)', Uint8Array.of(9, 0, 0, 0, 3, 1, 10, 1, 0, 0, 4, 0)),
    );
    expect(Object.keys(fields!)).toEqual(['t', 'x', 'p']);
    expect([...fields!.t!.data]).toEqual([9, 266]);
    expect([...fields!.x!.data]).toEqual([3, 4]);
    expect([...fields!.p!.data]).toEqual([1, 0]);
  });

  test.each([
    ['another file', Buffer.from('PK\x03\x04 and no array'), /must begin with/],
    ['a pickle', npyFile("'|O'", '(1,)', new Uint8Array(8)), /must hold numbers.*'\|O'/],
    [
      'a cut file',
      npyFile("'<f8'", '(3,)', doubles(1, 2)),
      /must have 24 bytes of data, but has 16/,
    ],
    ['sizes beyond all', npyFile("'<f8'", `(${'9'.repeat(80)},)`, doubles(1)), /bytes of data/],
    [
      'nested fields',
      npyFile("[('a', [('b', '<f8')])]", '(1,)', doubles(1)),
      /must be plain numbers/,
    ],
    ['a header without a shape', npyFile("'<f8'", 'None', doubles(1)), /must have descr/],
    [
      '64 bits that no double has',
      npyFile("'<u8'", '(1,)', new Uint8Array(8).fill(255)),
      /below 2\^53/,
    ],
  ])('%s is refused', (_, file, message) => {
    expect(() => readNpy(file)).toThrow(
      expect.objectContaining({ name: 'DatasetError', message: expect.stringMatching(message) }),
    );
  });
});

describe('events and frames of arrays', () => {
  const column = (...values: number[]) => ({
    shape: [values.length],
    data: Float64Array.from(values),
  });
  const columns = { ts: column(0, 5), x: column(3, 4), y: column(0, 6), polarity: column(-1, 1) };

  test('columns by any of their names; -1 is off; the sensor is as large as they need', () => {
    expect(hasEventColumns(columns)).toBe(true);
    expect(hasEventColumns({ x: 1, y: 1, t: 1 })).toBe(false);
    const { t, x, y, p, width, height } = eventsFromColumns(columns);
    expect([[...t], [...x], [...y], [...p], width, height]).toEqual([
      [0, 5],
      [3, 4],
      [0, 6],
      [0, 1],
      5,
      7,
    ]);
    expect(() => eventsFromColumns(columns, { width: 4, height: 9 })).toThrow(
      /event 1 must have.*x below 4/,
    );
    expect(() => eventsFromColumns({ ...columns, x: column(1) })).toThrow(/lengths 2, 1, 2, 2/);
    expect(() => eventsFromColumns({ ...columns, ts: column(NaN, 1) })).toThrow(/has t NaN/);
  });

  test('rows of t, x, y, p', () => {
    const rows = { shape: [2, 4], data: Float64Array.of(7, 1, 2, 1, 8, 3, 0, 0) };
    expect([...eventsFromRows(rows).x]).toEqual([1, 3]);
    expect(() => eventsFromRows({ ...rows, shape: [4, 2] })).toThrow(/\[events, 4\]/);
  });

  test('frames with polarity last, or second as SpikingJelly has it', () => {
    const data = Float64Array.from({ length: 24 }, (_, i) => i);
    expect(
      framesFromArray({ shape: [2, 3, 2, 2].slice(0, 1).concat([3, 2, 2]), data }).shape,
    ).toEqual([2, 3, 2, 2]);
    const second = framesFromArray({ shape: [1, 2, 4, 3], data });
    expect(second.shape).toEqual([1, 4, 3, 2]);
    expect([...second.data.subarray(0, 4)]).toEqual([0, 12, 1, 13]);
    expect(() => framesFromArray({ shape: [1, 2, 6, 2], data })).toThrow(/one of them/);
    expect(() => framesFromArray({ shape: [1, 2, 4, 3], data: data.map(() => -1) })).toThrow(
      /hold -1/,
    );
  });

  test('another grid keeps every event; frames are added up, the last takes what is left', () => {
    const events = { ...eventsFromColumns(columns, { width: 8, height: 8 }) };
    const small = fitEvents(events, [4, 2]);
    expect([[...small.x], [...small.y], small.width, small.height]).toEqual([[0, 1], [0, 3], 2, 4]);
    expect(fitEvents(events, [8, 8])).toBe(events);
    const frames = {
      shape: [5, 2, 2, 2] as [number, number, number, 2],
      data: new Float32Array(40).fill(1),
    };
    const fitted = fitFrames(frames, 2, [1, 1]);
    expect(fitted.shape).toEqual([2, 1, 1, 2]);
    expect([...fitted.data]).toEqual([8, 8, 12, 12]);
    expect(() => fitFrames(frames, 6, [1, 1])).toThrow(/6 frames or more, but has 5/);
  });
});
