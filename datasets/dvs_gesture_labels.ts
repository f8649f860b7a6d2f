/**
 * The csv beside each recording of DVS128 Gesture (Amir et al., CVPR 2017): which gesture was made
 * when. Rows may overlap in time, as those of user22_led do.
 */
import { DatasetError } from './dataset_error';

/** A labeled section of a DVS128 Gesture recording. */
export interface DvsGestureLabel {
  /** Gesture 1 to 11, as in the file. SpikingJelly's labels are one less. */
  class: number;
  /** Microseconds of the recording: events with `start <= t < end`, see cutEvents. */
  start: number;
  end: number;
}

const HEADER = 'class,startTime_usec,endTime_usec';
const CLASSES = 11;

/**
 * Reads the rows in their order. Throws a DatasetError on another header, a class that is none, an
 * end that is not after its start, and where there is no row.
 */
export function readDvsGestureLabels(csvText: string): DvsGestureLabel[] {
  if (typeof csvText !== 'string') {
    throw new DatasetError(`csvText must be a string, but got ${typeof csvText}`);
  }
  const lines = csvText.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = lines[0].replaceAll(' ', '');
  if (header !== HEADER) {
    throw new DatasetError(
      `a DVS128 Gesture csv must begin with '${HEADER}', but begins with '${header.slice(0, 60)}'`,
    );
  }
  const labels: DvsGestureLabel[] = [];
  for (const [i, line] of lines.entries()) {
    if (i === 0 || line.trim() === '') continue;
    const cells = line.split(',', 4).map((cell) => cell.trim());
    const [gesture, start, end] = cells.map(Number);
    const whole = cells.length === 3 && cells.every((cell) => /^\d{1,15}$/.test(cell));
    if (!whole || gesture < 1 || gesture > CLASSES || end <= start) {
      throw new DatasetError(
        `line ${i + 1} of a DVS128 Gesture csv must be a class from 1 to ${CLASSES}, a start and a ` +
          `later end in microseconds, but is '${line.slice(0, 60)}'`,
      );
    }
    labels.push({ class: gesture, start, end });
  }
  if (labels.length === 0) {
    throw new DatasetError('a DVS128 Gesture csv must hold at least one row, but has none');
  }
  return labels;
}
