/**
 * DAT, the format of ATIS cameras in which Prophesee published N-Cars (Sironi et al., 2018, arXiv 1803.07913): lines of
 * text that begin with `%`; a byte with the type of event (0: 2D, 12: CD) and one with its size, 8; then records,
 * little-endian: uint32 time in microseconds, uint32 with x in bits 0 to 13, y in 14 to 27, polarity in 28 to 31.
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
import { isDat, wrongBeginning } from './_foreign_events';
import { asBytes, DatasetError } from './dataset_error';
import { type EventRecording, type SensorName, type SensorSize, sensorSize } from './events';

export interface DatOptions extends ReadEventsOptions {
  /** Default: the header's Width and Height; files without them, such as those of N-Cars, need it. */
  sensor?: SensorName | SensorSize;
}

const RECORD = 8;
const PERCENT = 0x25;
const LINE_FEED = 0x0a;
/** Bytes of the longest header; known ones have less than a thousand. */
const LONGEST = 2 ** 16;
/** Types of events that change pixels: 2D, and CD. */
const TYPES = [0, 12];

/**
 * Reads one recording. Throws a DatasetError on a cut file, another version than 2 or type of event, a polarity other
 * than 0 and 1, no size of the sensor, a position outside the sensor (see outside), a time that steps back (see
 * nonMonotonic), and if there is no event.
 *
 * ```ts
 * const {t, x, y, p} = readDat(bytes, {sensor: {width: 120, height: 100}});
 * ```
 */
export function readDat(bytes: Uint8Array | ArrayBuffer, options: DatOptions = {}) {
  return readEvents(new DatDecoder(options), asBytes(bytes));
}

/** The same from chunks, in batches of `batchSize` events: see streamAedat2. */
export function streamDat(
  chunks: Chunks,
  { batchSize, ...options }: DatOptions & StreamEventsOptions = {},
): AsyncGenerator<EventRecording, void, undefined> {
  return streamEvents(new DatDecoder(options), chunks, batchSize);
}

/** The size in a file's header, if it states one. @throws DatasetError if it is no such file */
export function sensorOfDat(bytes: Uint8Array): SensorSize | undefined {
  const end = headerEnd(bytes, 0);
  return end === undefined ? undefined : statedSize(headerOf(bytes, 0, end));
}

/** Where the first line begins that is none of the header; undefined: not in these bytes. */
function headerEnd(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  while (at < bytes.length && bytes[at] === PERCENT) {
    const feed = bytes.subarray(at, start + LONGEST).indexOf(LINE_FEED);
    if (feed < 0 && bytes.length - start < LONGEST) return undefined;
    if (feed < 0) {
      throw new DatasetError(
        `the header of an event DAT file must be shorter than ${LONGEST} bytes`,
      );
    }
    at += feed + 1;
  }
  return at < bytes.length ? at : undefined;
}

const headerOf = (bytes: Uint8Array, start: number, end: number) =>
  new TextDecoder('latin1').decode(bytes.subarray(start, end));

function statedSize(header: string): SensorSize | undefined {
  const stated = (name: string) =>
    new RegExp(`^% *${name} +(\\d{1,5})\\s*$`, 'im').exec(header)?.[1];
  const [width, height] = [stated('Width'), stated('Height')];
  if (width === undefined || height === undefined) return undefined;
  return sensorSize({ width: Number(width), height: Number(height) });
}

class DatDecoder implements EventDecoder {
  readonly what = 'event DAT';
  readonly eventBytes = RECORD;
  sensor: SensorSize = { width: 1, height: 1 };
  readonly skipsOutside: boolean;
  private readonly keepBackwards: boolean;
  private readonly given?: SensorSize;
  private inHeader = true;
  private events = 0;
  private time = 0;

  constructor(options: DatOptions) {
    checkOptions(options, { sensor: null, ...readOptions });
    if (options.sensor !== undefined) this.given = sensorSize(options.sensor);
    this.keepBackwards = options.nonMonotonic === 'keep';
    this.skipsOutside = options.outside === 'skip';
  }

  decode(bytes: Uint8Array, start: number, writer: EventWriter): number {
    writer.blocked = false;
    let at = this.inHeader ? this.skipHeader(bytes, start) : start;
    if (this.inHeader) return at;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { width, height } = this.sensor;
    const { t, x, y, p, capacity } = writer;
    for (; at + RECORD <= bytes.length; at += RECORD) {
      const now = view.getUint32(at, true);
      const word = view.getUint32(at + 4, true);
      const column = word & 0x3fff;
      const row = (word >>> 14) & 0x3fff;
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
      if (outside) throw outsideError(this.what, this.events, column, row, this.sensor);
      if (word >>> 28 > 1) {
        throw new DatasetError(
          `event ${this.events} of an event DAT recording must have polarity 0 or 1, but has ${word >>> 28}`,
        );
      }
      if (now < this.time) {
        if (!this.keepBackwards) throw backwardsError(this.what, this.events, this.time, now);
        writer.backwards++;
      }
      this.time = now;
      t[i] = now;
      x[i] = column;
      y[i] = row;
      p[i] = word >>> 28;
      writer.length = i + 1;
      this.events++;
    }
    return at;
  }

  end(rest: number): void {
    if (this.inHeader) {
      throw new DatasetError('an event DAT file must have events after its header, but ends there');
    }
    if (rest > 0) {
      throw new DatasetError(
        `an event DAT file must hold whole records of ${RECORD} bytes, but ends with ${rest} bytes ` +
          `after event ${this.events - 1}`,
      );
    }
  }

  /** Past the header and the two bytes behind it, once all of it has come. */
  private skipHeader(bytes: Uint8Array, start: number): number {
    if (!isDat(bytes.subarray(start))) {
      const line = "an event DAT file must begin with lines such as '% Data file containing'";
      throw wrongBeginning(line, bytes.subarray(start));
    }
    const end = headerEnd(bytes, start);
    if (end === undefined || end + 2 > bytes.length) return start;
    const header = headerOf(bytes, start, end);
    const version = /^% *Version +(\S+)/im.exec(header)?.[1] ?? 'none';
    const [type, size] = [bytes[end]!, bytes[end + 1]!];
    const must = (condition: boolean, what: string, received: string | number) => {
      if (condition) return;
      throw new DatasetError(`an event DAT file must have ${what}, but has ${received}`);
    };
    must(version === '2', 'version 2', version.slice(0, 20));
    must(TYPES.includes(type), `events of type ${TYPES.join(' or ')}`, type);
    must(size === RECORD, `records of ${RECORD} bytes`, size);
    const sensor = this.given ?? statedSize(header);
    if (!sensor) {
      throw new DatasetError(
        'sensor must be the size {width, height} of the camera, since the header of the event DAT file states none',
      );
    }
    this.sensor = sensor;
    this.inHeader = false;
    return end + 2;
  }
}
