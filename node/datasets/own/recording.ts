/** One recording, whose name and first bytes show its kind, and the frames that a network takes of it. */
import { extname } from 'node:path';
import { readAedat2 } from '../../../datasets/aedat2';
import { readAedat31 } from '../../../datasets/aedat31';
import { readDat, sensorOfDat } from '../../../datasets/dat';
import { DatasetError } from '../../../datasets/dataset_error';
import {
  eventsFromColumns,
  eventsFromRows,
  framesFromArray,
  hasEventColumns,
} from '../../../datasets/event_arrays';
import { cameraOf, type Events, type SensorName } from '../../../datasets/events';
import { fitEvents, fitFrames } from '../../../datasets/fit_events';
import { eventsToFrames, type Frames } from '../../../datasets/frames';
import { readNMnist } from '../../../datasets/nmnist';
import { type NpyArray, readNpy } from '../../../datasets/npy';
import { readNpz } from './_npz';

/** Ends of the names of recordings that are read. */
export const recordingExtensions = ['.aedat', '.bin', '.dat', '.npy', '.npz'];

/** Events, or frames that somebody made of them. `said`: the file names its sensor. */
export type Recording = { events: Events; said: boolean } | { frames: Frames };

/** As far as positions of a .dat file reach. */
const LARGEST_DAT = { width: 2 ** 14, height: 2 ** 14 };

/** Height and width. */
export type Size = readonly [height: number, width: number];

/** Any N-MNIST record lies on it: rows from 240 on are marks of time. */
const LARGEST_BIN = { width: 256, height: 240 };

/**
 * Times that step back are kept where they stand.
 * @param sensor For files that do not name theirs. Default: as large as their events need.
 * @throws DatasetError if it is none, damaged, or has events beside its sensor
 */
export async function readRecording(
  name: string,
  bytes: Buffer,
  sensor?: Size,
): Promise<Recording> {
  const size = sensor && { height: sensor[0], width: sensor[1] };
  const kind = extname(name).toLowerCase();
  if (kind === '.aedat') return readAedat(bytes);
  if (kind === '.bin') {
    const options = { sensor: size ?? LARGEST_BIN, nonMonotonic: 'keep' } as const;
    const events = readNMnist(bytes, options);
    return { events: size ? events : cropped(events), said: false };
  }
  if (kind === '.dat') {
    const said = sensorOfDat(bytes);
    const options = { sensor: said ?? size ?? LARGEST_DAT, nonMonotonic: 'keep' } as const;
    const events = readDat(bytes, options);
    return { events: (said ?? size) ? events : cropped(events), said: said !== undefined };
  }
  if (kind === '.npy') {
    const { array, fields } = readNpy(bytes);
    return fields ? ofArrays(fields, size) : ofArray(array!, size);
  }
  if (kind === '.npz') {
    const arrays = Object.entries(await readNpz(bytes));
    const plain = Object.fromEntries(
      arrays.flatMap(([key, { array }]) => (array ? [[key, array]] : [])),
    );
    if (hasEventColumns(plain)) return ofArrays(plain, size);
    if (Object.hasOwn(plain, 'frames')) return { frames: framesFromArray(plain.frames!) };
    const [only] = arrays;
    if (only && arrays.length === 1) {
      return only[1].fields ? ofArrays(only[1].fields, size) : ofArray(only[1].array!, size);
    }
    const keys = arrays.map(([key]) => key).join(', ');
    throw new DatasetError(
      `a .npz must have t, x, y and p, or frames, but has ${keys || 'nothing'}`,
    );
  }
  throw new DatasetError(
    `a recording's name must end in ${recordingExtensions.join(', ')}, but is ${name}`,
  );
}

function readAedat(bytes: Buffer): Recording {
  const head = bytes.toString('latin1', 0, 2 ** 16);
  if (head.startsWith('#!AER-DAT3.1')) {
    return { events: readAedat31(bytes, { nonMonotonic: 'keep' }), said: true };
  }
  const chip = /^# AEChip: *(\S+)/m.exec(head)?.[1];
  const sensor: SensorName = (chip && cameraOf(chip)) || 'dvs128';
  return { events: readAedat2(bytes, { sensor, nonMonotonic: 'keep' }), said: true };
}

function ofArrays(arrays: Record<string, NpyArray>, sensor?: { width: number; height: number }) {
  if (hasEventColumns(arrays)) return { events: eventsFromColumns(arrays, sensor), said: false };
  throw new DatasetError(
    `events must have t, x, y and p, but have ${Object.keys(arrays).join(', ')}`,
  );
}

function ofArray(array: NpyArray, sensor?: { width: number; height: number }): Recording {
  if (array.shape.length === 4) return { frames: framesFromArray(array) };
  return { events: eventsFromRows(array, sensor), said: false };
}

/** On a sensor as large as its events need. */
function cropped(events: Events): Events {
  const largest = (values: Uint16Array) => values.reduce((a, b) => Math.max(a, b), 0);
  return { ...events, width: largest(events.x) + 1, height: largest(events.y) + 1 };
}

/** How recordings become samples. */
export interface FrameRules {
  frames: number;
  splitBy: 'number' | 'time';
  size: Size;
}

/** A sample `[frames, height, width, 2]`. @throws DatasetError if there are too few frames for it */
export function framesOf(recording: Recording, { frames, splitBy, size }: FrameRules): Frames {
  if ('frames' in recording) return fitFrames(recording.frames, frames, size);
  return eventsToFrames(fitEvents(recording.events, size), { frames, splitBy });
}
