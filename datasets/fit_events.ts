/** Events and frames on a grid of another size: those of several cameras become samples of one shape. */
import { DatasetError } from './dataset_error';
import type { Events } from './events';
import type { Frames } from './frames';

/** The pixel of `to` in which pixel `i` of `from` lies. */
const binOf = (i: number, from: number, to: number) => Math.floor((i * to) / from);

/** The same events on a sensor of another size, in pixels: each in the pixel in which it lies. */
export function fitEvents(events: Events, [height, width]: readonly [number, number]): Events {
  if (events.width === width && events.height === height) return events;
  return {
    ...events,
    x: events.x.map((x) => binOf(x, events.width, width)),
    y: events.y.map((y) => binOf(y, events.height, height)),
    ...{ width, height },
  };
}

/**
 * Counts added up in the pixels of the new grid, and over time in `frames` slices of as many frames each; the last
 * takes what is left, as when events become frames.
 *
 * @throws DatasetError if there are fewer frames than that
 */
export function fitFrames(
  { shape, data }: Frames,
  frames: number,
  [height, width]: readonly [number, number],
): Frames {
  const [time, rows, columns] = shape;
  if (time < frames) {
    throw new DatasetError(`a sample must have ${frames} frames or more, but has ${time}`);
  }
  const each = Math.floor(time / frames);
  const out = new Float32Array(frames * height * width * 2);
  for (let t = 0; t < time; t++) {
    const slice = Math.min(Math.floor(t / each), frames - 1);
    for (let y = 0; y < rows; y++) {
      const row = slice * height + binOf(y, rows, height);
      for (let x = 0; x < columns; x++) {
        const from = 2 * ((t * rows + y) * columns + x);
        const to = 2 * (row * width + binOf(x, columns, width));
        out[to]! += data[from]!;
        out[to + 1]! += data[from + 1]!;
      }
    }
  }
  return { shape: [frames, height, width, 2], data: out };
}
