/**
 * Event streams to frames by SpikingJelly's rules (Fang et al., arXiv 2310.16620): events are counted
 * a pixel and polarity in slices of equal numbers of events, equal times, or a fixed duration.
 */
import { checkOptions } from './_event_decoder';
import { DatasetError } from './dataset_error';
import { checkEvents, type Events } from './events';

/** A fixed number of frames. */
export interface FixedFramesOptions {
  /** Number of frames T. SpikingJelly: frames_number. */
  frames: number;
  /**
   * 'number': T slices of floor(N / T) events; 'time': T slices of floor((last - first) / T)
   * microseconds. Either way the last slice takes what is left. SpikingJelly: split_by.
   */
  splitBy: 'number' | 'time';
}

/** As many frames as it takes. */
export interface FixedDurationOptions {
  /**
   * Microseconds. A frame begins at an event and holds all that follow up to `duration` later, that
   * one included; the next begins at the next event, so that no frame is empty.
   */
  duration: number;
}

export type FramesOptions = FixedFramesOptions | FixedDurationOptions;

/** Events counted per time step, pixel and polarity. */
export interface Frames {
  /** `[time, height, width, 2]`: the last axis is the polarity, 0 then 1. */
  shape: [number, number, number, 2];
  /** Counts, row-major in `shape`. */
  data: Float32Array;
}

/** Most values that the frames may have together: 2 GiB. */
const LARGEST = 2 ** 29;
/** Beyond it a float32 no longer counts one by one. */
const COUNTABLE = 2 ** 24;

/**
 * Frames equal to SpikingJelly's, transposed from `[T, 2, H, W]`. Where SpikingJelly fails because a
 * slice of time is empty, its frame is zero. Throws a DatasetError where there is no event, an event
 * lies outside the sensor, or the frames would take more than 2 GiB.
 *
 * ```ts
 * const {shape, data} = eventsToFrames(events, {frames: 16, splitBy: 'number'});
 * const x = tf.tensor4d(data, shape);
 * ```
 */
export function eventsToFrames(events: Events, options: FramesOptions): Frames {
  checkEvents(events);
  const { t, width, height } = events;
  if (t.length === 0) throw new DatasetError('events must hold at least one event, but hold none');
  const slices = sliceEvents(t, options, Math.floor(LARGEST / (height * width * 2)));
  const frameSize = height * width * 2;
  const data = new Float32Array(slices.length * frameSize);
  slices.forEach(([from, to], frame) => {
    count(events, from, to, data.subarray(frame * frameSize, (frame + 1) * frameSize));
  });
  return { shape: [slices.length, height, width, 2], data };
}

/** Events `from <= i < to` of one frame. */
type Slice = readonly [from: number, to: number];

function sliceEvents(t: Float64Array, options: FramesOptions, most: number): Slice[] {
  const known = { frames: null, splitBy: ['number', 'time'], duration: null };
  checkOptions(options, known);
  const { frames, splitBy, duration } = options as Partial<
    FixedFramesOptions & FixedDurationOptions
  >;
  if (duration !== undefined) {
    if (frames !== undefined || splitBy !== undefined) {
      throw new DatasetError('options must have duration or frames and splitBy, but have both');
    }
    if (!(duration >= 0 && duration < Infinity)) {
      throw new DatasetError(`duration must be microseconds, 0 or more, but got ${duration}`);
    }
    return sliceByDuration(t, duration, most);
  }
  if (!Number.isInteger(frames) || (frames as number) < 1 || (frames as number) > most) {
    throw new DatasetError(
      `frames must be an integer from 1 to ${most} (2 GiB in all), but got ${frames}`,
    );
  }
  if (splitBy === undefined) {
    throw new DatasetError("splitBy must be 'number' or 'time', but got undefined");
  }
  const slice = splitBy === 'number' ? sliceByNumber : sliceByTime;
  return slice(t, frames as number);
}

function sliceByNumber(t: Float64Array, frames: number): Slice[] {
  const each = Math.floor(t.length / frames);
  return Array.from({ length: frames }, (_, frame): Slice => {
    const last = frame === frames - 1;
    return [frame * each, last ? t.length : (frame + 1) * each];
  });
}

/**
 * Slice j is all from the first to the last event with first + j dt <= t < first + (j + 1) dt. Times
 * that step back stay where they stand, as in SpikingJelly.
 */
function sliceByTime(t: Float64Array, frames: number): Slice[] {
  const first = t[0];
  const dt = Math.floor((t[t.length - 1] - first) / frames);
  if (!(dt >= 0)) {
    throw new DatasetError(
      `events split by time must not end before they begin, but go from ${first} to ` +
        `${t[t.length - 1]} microseconds`,
    );
  }
  const from = new Array<number>(frames).fill(-1);
  const to = new Array<number>(frames).fill(0);
  let [frame, begin, end] = [0, first, first + dt];
  for (let i = 0; i < t.length; i++) {
    if (!(t[i] >= begin && t[i] < end)) {
      const other = dt === 0 ? -1 : Math.floor((t[i] - first) / dt);
      if (!(other >= 0 && other < frames)) continue;
      frame = other;
      begin = first + frame * dt;
      end = begin + dt;
    }
    if (from[frame] < 0) from[frame] = i;
    to[frame] = i + 1;
  }
  // An empty slice, where SpikingJelly fails; the last one takes what is left even so.
  const last = frames - 1;
  if (from[last] < 0) {
    const rest = t.findIndex((time) => time >= first + last * dt);
    from[last] = rest < 0 ? t.length : rest;
  }
  to[last] = t.length;
  return from.map((start, j): Slice => [Math.max(start, 0), to[j]]);
}

function sliceByDuration(t: Float64Array, duration: number, most: number): Slice[] {
  const slices: Slice[] = [];
  for (let from = 0, to = 0; to < t.length; from = to) {
    while (to < t.length && !(t[to] - t[from] > duration)) to++;
    if (slices.length === most) {
      throw new DatasetError(
        `duration must be so long that the frames take 2 GiB at most, but ${duration} microseconds ` +
          `make more than ${most}`,
      );
    }
    slices.push([from, to]);
  }
  return slices;
}

function count(events: Events, from: number, to: number, frame: Float32Array): void {
  const { x, y, p, width, height } = events;
  for (let i = from; i < to; i++) {
    const column = x[i];
    const row = y[i];
    if (column >= width || row >= height || p[i] > 1) {
      throw new DatasetError(
        `event ${i} must lie on ${width} x ${height} pixels with polarity 0 or 1, but has ` +
          `x ${column}, y ${row}, p ${p[i]}`,
      );
    }
    frame[(row * width + column) * 2 + p[i]]++;
  }
  if (to - from >= COUNTABLE && frame.includes(COUNTABLE)) {
    throw new DatasetError(
      `a pixel must have fewer than 2^24 events in a frame, but one of events ${from} to ${to} has more`,
    );
  }
}
