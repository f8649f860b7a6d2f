/** Events and frames from arrays of numbers: SpikingJelly's .npz of t, x, y, p or frames, tonic's structured .npy. */
import { DatasetError } from './dataset_error';
import type { Events } from './events';
import type { Frames } from './frames';
import type { NpyArray } from './npy';

/** What else the columns are called. */
const NAMES = {
  t: ['t', 'ts', 'time', 'timestamp', 'timestamps'],
  x: ['x'],
  y: ['y'],
  p: ['p', 'pol', 'polarity'],
} as const;

type Column = keyof typeof NAMES;
type Columns = Record<Column, ArrayLike<number>>;

/** Of the sensor, in pixels. */
export interface Sensor {
  width: number;
  height: number;
}

/** Whether these are columns of events. */
export const hasEventColumns = (arrays: Readonly<Record<string, unknown>>) =>
  Object.values(NAMES).every((names) => names.some((name) => Object.hasOwn(arrays, name)));

/**
 * Events of columns t (microseconds), x, y and p (0 or 1; -1 is taken for 0).
 * @param sensor Default: as large as the events need.
 * @throws DatasetError on columns of several lengths, and on values that no event has
 */
export function eventsFromColumns(
  arrays: Readonly<Record<string, NpyArray>>,
  sensor?: Sensor,
): Events {
  const column = (key: Column) => {
    const name = NAMES[key].find((known) => Object.hasOwn(arrays, known))!;
    const { shape, data } = arrays[name]!;
    if (shape.length === 1) return data;
    throw new DatasetError(`column ${name} of events must have one axis, but has shape [${shape}]`);
  };
  return events({ t: column('t'), x: column('x'), y: column('y'), p: column('p') }, sensor);
}

/** Events of rows `[events, 4]`: t, x, y, p, as eventsFromColumns. */
export function eventsFromRows({ shape, data }: NpyArray, sensor?: Sensor): Events {
  if (shape.length !== 2 || shape[1] !== 4) {
    throw new DatasetError(`events must have shape [events, 4] (t, x, y, p), but have [${shape}]`);
  }
  const column = (k: number) =>
    Float64Array.from({ length: shape[0]! }, (_, i) => data[4 * i + k]!);
  return events({ t: column(0), x: column(1), y: column(2), p: column(3) }, sensor);
}

function events({ t, x, y, p }: Columns, sensor?: Sensor): Events {
  const lengths = [t, x, y, p].map(({ length }) => length);
  if (new Set(lengths).size > 1 || lengths[0] === 0) {
    throw new DatasetError(
      `t, x, y and p must have one length, 1 or more, but have lengths ${lengths.join(', ')}`,
    );
  }
  const width = sensor?.width ?? 65_536;
  const height = sensor?.height ?? 65_536;
  const count = t.length;
  const out = { x: new Uint16Array(count), y: new Uint16Array(count), p: new Uint8Array(count) };
  let [right, bottom] = [0, 0];
  for (let i = 0; i < count; i++) {
    const [column, row, polarity] = [x[i]!, y[i]!, p[i]!];
    const whole = Number.isInteger(column) && Number.isInteger(row) && t[i]! >= 0;
    const inside = column >= 0 && row >= 0 && column < width && row < height;
    if (!whole || !inside || ![-1, 0, 1].includes(polarity) || t[i] === Infinity) {
      throw new DatasetError(
        `event ${i} must have t of 0 or more, x below ${width}, y below ${height} and p of -1, 0 or 1, ` +
          `but has t ${t[i]}, x ${column}, y ${row}, p ${polarity}`,
      );
    }
    out.x[i] = column;
    out.y[i] = row;
    out.p[i] = polarity === 1 ? 1 : 0;
    right = Math.max(right, column);
    bottom = Math.max(bottom, row);
  }
  const size = sensor ? { width, height } : { width: right + 1, height: bottom + 1 };
  return { t: Float64Array.from(t), ...out, ...size };
}

/**
 * Frames `[time, height, width, 2]` of an array of that shape, or of SpikingJelly's `[time, 2, height, width]`.
 * @throws DatasetError if the shape is neither, or fits both
 */
export function framesFromArray({ shape, data }: NpyArray): Frames {
  const [time, a, b, c] = shape as [number, number, number, number];
  const [last, second] = [c === 2, a === 2];
  if (shape.length !== 4 || last === second || data.length === 0) {
    throw new DatasetError(
      `frames must have shape [time, height, width, 2] or [time, 2, height, width], one of them, but have [${shape}]`,
    );
  }
  const wrong = data.findIndex((count) => !(count >= 0 && count < Infinity));
  if (wrong >= 0) {
    throw new DatasetError(`frames must hold counts, 0 or more, but hold ${data[wrong]}`);
  }
  if (last) return { shape: [time, a, b, 2], data: Float32Array.from(data) };
  const pixels = b * c;
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const [polarity, pixel] = [i % 2, (i >> 1) % pixels];
    const frame = Math.floor(i / (2 * pixels));
    out[i] = data[(2 * frame + polarity) * pixels + pixel]!;
  }
  return { shape: [time, b, c, 2], data: out };
}
