/**
 * Events of a neuromorphic camera as columns, the same whatever file they came from, and what can be
 * done with them before they become frames: join, cut by time.
 */
import { DatasetError } from './dataset_error';

/**
 * Events in the order of the recording: one entry of each array an event.
 *
 * Times are doubles: AEDAT 2.0 needs 32 unsigned bits and 33 after its counter wrapped, AEDAT 3.1 up
 * to 62. A double holds whole microseconds exactly for 285 years, and the difference of two times
 * has a sign.
 */
export interface Events {
  /** Microseconds, never negative. */
  t: Float64Array;
  /** Column, 0 to width - 1. */
  x: Uint16Array;
  /** Row, 0 to height - 1. */
  y: Uint16Array;
  /** Polarity: 1 brighter (ON), 0 darker (OFF). */
  p: Uint8Array;
  /** Of the sensor, in pixels. */
  width: number;
  height: number;
}

/** What a reader returns: the events, and the count of what was odd. */
export interface EventRecording extends Events {
  /** Records that are no polarity event (APS, IMU, external, invalid, overflow): left out. */
  skipped: number;
  /** Events earlier than the one before them; 0 unless the reader was told to keep such. */
  backwards: number;
  /** Events beside the sensor; there only if the reader was told to skip such. */
  outside?: number;
}

/** Width and height in pixels. */
export interface SensorSize {
  width: number;
  height: number;
}

/** The cameras whose recordings are read by name. */
export const sensors = {
  dvs128: { width: 128, height: 128 },
  davis240: { width: 240, height: 180 },
  davis346: { width: 346, height: 260 },
  davis640: { width: 640, height: 480 },
  dvs640: { width: 640, height: 480 },
} as const satisfies Record<string, SensorSize>;

export type SensorName = keyof typeof sensors;

/** Chips of jAER whose names do not say what they read as. */
const aliases: Readonly<Record<string, SensorName>> = {
  tmpdiff128: 'dvs128',
  sbret10: 'davis240',
};

/**
 * The camera that a file's header names: `DVS128`, `DAVIS240C`, or a Java class of jAER such as
 * `eu.seebetter.ini.chips.davis.Davis346red`; undefined: none of ours.
 */
export function cameraOf(text: string): SensorName | undefined {
  const name = text.replace(/^.*\./, '').toLowerCase();
  const camera = /^[a-z]+\d+/.exec(name)?.[0] ?? '';
  if (Object.hasOwn(aliases, camera)) return aliases[camera];
  return Object.hasOwn(sensors, camera) ? (camera as SensorName) : undefined;
}

/** The size behind a name or a size; a DatasetError on anything else. */
export function sensorSize(sensor: SensorName | SensorSize): SensorSize {
  if (typeof sensor === 'string' && Object.hasOwn(sensors, sensor)) return sensors[sensor];
  if (typeof sensor === 'object' && sensor !== null) {
    const { width, height } = sensor;
    if (isSide(width) && isSide(height)) return { width, height };
  }
  throw new DatasetError(
    `sensor must be one of ${Object.keys(sensors).join(', ')} or {width, height} from 1 to 65536, ` +
      `but got ${JSON.stringify(sensor)}`,
  );
}

function isSide(size: unknown): boolean {
  return Number.isInteger(size) && (size as number) >= 1 && (size as number) <= 65536;
}

/** Throws a DatasetError where the columns do not belong together. */
export function checkEvents({ t, x, y, p, width, height }: Events): void {
  if (x.length !== t.length || y.length !== t.length || p.length !== t.length) {
    throw new DatasetError(
      'events must have t, x, y and p of the same length, but got lengths ' +
        `${t.length}, ${x.length}, ${y.length} and ${p.length}`,
    );
  }
  sensorSize({ width, height });
}

/** One recording of several of one size, such as the batches of a stream. */
export function concatEvents(parts: readonly EventRecording[]): EventRecording {
  if (parts.length === 0) {
    throw new DatasetError('parts must hold at least one recording, but got none');
  }
  const [{ width, height }] = parts;
  const total = parts.reduce((sum, { t }) => sum + t.length, 0);
  const joined: EventRecording = {
    t: new Float64Array(total),
    x: new Uint16Array(total),
    y: new Uint16Array(total),
    p: new Uint8Array(total),
    width,
    height,
    skipped: 0,
    backwards: 0,
  };
  let at = 0;
  for (const [i, part] of parts.entries()) {
    checkEvents(part);
    if (part.width !== width || part.height !== height) {
      throw new DatasetError(
        `parts must be of one size, but part 0 is ${width} x ${height} and part ${i} ` +
          `${part.width} x ${part.height}`,
      );
    }
    joined.t.set(part.t, at);
    joined.x.set(part.x, at);
    joined.y.set(part.y, at);
    joined.p.set(part.p, at);
    joined.skipped += part.skipped;
    joined.backwards += part.backwards;
    if (part.outside !== undefined) joined.outside = (joined.outside ?? 0) + part.outside;
    at += part.t.length;
  }
  return joined;
}

/**
 * A copy of the events with `start <= t < end`, in their order: how SpikingJelly cuts DVS128 Gesture.
 * Throws a DatasetError where there is none.
 *
 * ```ts
 * const trials = readDvsGestureLabels(csv).map(({start, end}) => cutEvents(recording, start, end));
 * ```
 */
export function cutEvents(events: Events, start: number, end: number): Events {
  checkEvents(events);
  const { t, x, y, p, width, height } = events;
  let count = 0;
  let first = -1;
  let last = -1;
  for (let i = 0; i < t.length; i++) {
    if (t[i] >= start && t[i] < end) {
      if (count++ === 0) first = i;
      last = i;
    }
  }
  if (count === 0) {
    const span = t.length === 0 ? 'is empty' : `goes from ${t[0]} to ${t[t.length - 1]}`;
    throw new DatasetError(
      `a cut must hold events, but none has ${start} <= t < ${end}: the recording ${span}`,
    );
  }
  if (count === last - first + 1) {
    const range = [first, last + 1] as const;
    const [cutT, cutX, cutY] = [t.slice(...range), x.slice(...range), y.slice(...range)];
    return { t: cutT, x: cutX, y: cutY, p: p.slice(...range), width, height };
  }
  const inside = (_: number, i: number) => t[i] >= start && t[i] < end;
  const [cutT, cutX, cutY] = [t.filter(inside), x.filter(inside), y.filter(inside)];
  return { t: cutT, x: cutX, y: cutY, p: p.filter(inside), width, height };
}
