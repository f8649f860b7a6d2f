/**
 * N-MNIST (Orchard et al., 2015, arXiv 1507.07629), 34 x 34, and N-Caltech101, which has its format:
 * records of 5 bytes: x, y, then polarity in bit 7 and 23 bits of time in microseconds, big-endian.
 */
import {
  backwardsError,
  type Chunks,
  checkOptions,
  type EventDecoder,
  type EventWriter,
  outsideError,
  type ReadEventsOptions,
  readEvents,
  readOptions,
  type StreamEventsOptions,
  streamEvents,
} from './_event_decoder';
import { foreignFormat, wrongBeginning } from './_foreign_events';
import { asBytes, DatasetError } from './dataset_error';
import { type EventRecording, type SensorName, type SensorSize, sensorSize } from './events';

/** Options of `readNMnist`. */
export interface NMnistOptions extends ReadEventsOptions {
  /** Default: 34 x 34. */
  sensor?: SensorName | SensorSize;
}

const RECORD = 5;
/** A record with this y is no event: it moves the time of all that follow by OVERFLOW. */
const OVERFLOW_ROW = 240;
const OVERFLOW = 2 ** 13;

/**
 * Reads one recording. Overflow records (as in the data set's own Matlab reader) are counted in
 * `skipped`. Throws a DatasetError on a cut file, one of another format, a position outside the sensor
 * (see outside), a time that steps back (see nonMonotonic), and where there is no event.
 *
 * ```ts
 * const {t, x, y, p} = readNMnist(bytes);
 * ```
 */
export function readNMnist(bytes: Uint8Array | ArrayBuffer, options: NMnistOptions = {}) {
  return readEvents(new NMnistDecoder(options), asBytes(bytes));
}

/** The same from chunks, in batches of `batchSize` events: see streamAedat2. */
export function streamNMnist(
  chunks: Chunks,
  { batchSize, ...options }: NMnistOptions & StreamEventsOptions = {},
): AsyncGenerator<EventRecording, void, undefined> {
  return streamEvents(new NMnistDecoder(options), chunks, batchSize);
}

class NMnistDecoder implements EventDecoder {
  readonly what = 'N-MNIST';
  readonly eventBytes = RECORD;
  readonly sensor: SensorSize;
  readonly skipsOutside: boolean;
  private readonly keepBackwards: boolean;
  private begun = false;
  private events = 0;
  private time = 0;
  private epoch = 0;

  constructor(options: NMnistOptions) {
    checkOptions(options, { sensor: null, ...readOptions });
    this.sensor =
      options.sensor === undefined ? { width: 34, height: 34 } : sensorSize(options.sensor);
    this.keepBackwards = options.nonMonotonic === 'keep';
    this.skipsOutside = options.outside === 'skip';
  }

  decode(bytes: Uint8Array, start: number, writer: EventWriter): number {
    writer.blocked = false;
    if (!this.begun) this.begin(bytes);
    const { width, height } = this.sensor;
    const { t, x, y, p, capacity } = writer;
    let at = start;
    for (; at + RECORD <= bytes.length; at += RECORD) {
      const column = bytes[at];
      const row = bytes[at + 1];
      if (row === OVERFLOW_ROW) {
        this.epoch += OVERFLOW;
        writer.skipped++;
        continue;
      }
      const outside = column >= width || row >= height;
      if (outside && writer.outside !== undefined) {
        writer.outside++;
        continue;
      }
      const i = writer.length;
      if (i === capacity) {
        writer.blocked = true;
        break;
      }
      if (outside) {
        throw outsideError(this.what, this.events, column, row, this.sensor);
      }
      const high = bytes[at + 2];
      const now = this.epoch + (((high & 0x7f) << 16) | (bytes[at + 3] << 8) | bytes[at + 4]);
      if (now < this.time) {
        if (!this.keepBackwards) throw backwardsError(this.what, this.events, this.time, now);
        writer.backwards++;
      }
      this.time = now;
      t[i] = now;
      x[i] = column;
      y[i] = row;
      p[i] = high >> 7;
      writer.length = i + 1;
      this.events++;
    }
    return at;
  }

  /** Any bytes could be records: those of other formats are told by their beginning. */
  private begin(bytes: Uint8Array): void {
    this.begun = true;
    if (foreignFormat(bytes) === undefined) return;
    throw wrongBeginning('an N-MNIST file must begin with a record of 5 bytes', bytes);
  }

  end(rest: number): void {
    if (rest > 0) {
      throw new DatasetError(
        `an N-MNIST file must hold whole records of ${RECORD} bytes, but ends with ${rest} bytes ` +
          `after event ${this.events - 1}`,
      );
    }
  }
}
