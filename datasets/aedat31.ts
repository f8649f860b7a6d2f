/**
 * AEDAT 3.1, the format of cAER and DVS128 Gesture (docs.inivation.com, AEDAT 3.1): lines of text up to `#!END-HEADER`, then packets, little-endian. A packet is a header
 * of 28 bytes (int16 type, int16 source, int32 event size, timestamp offset, overflow counter, capacity,
 * number, valid) and its events. Polarity packets are type 1; their events have 8 bytes: uint32 data
 * (x in bits 17 to 31, y in 2 to 16, polarity in 1, valid in 0) and the low 31 bits of the time.
 */
import { AedatHeader } from './_aedat_header';
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
import { asBytes, DatasetError } from './dataset_error';
import {
  cameraOf,
  type EventRecording,
  type SensorName,
  type SensorSize,
  sensorSize,
  sensors,
} from './events';

/** Options of `readAedat31`. */
export interface Aedat31Options extends ReadEventsOptions {
  /**
   * Default: what the header's `#Source` line names; DVS128 where the header has none. The name of
   * another camera than the header's is an error; a size stands against the header.
   */
  sensor?: SensorName | SensorSize;
  /**
   * What becomes of polarity events whose valid bit is 0: 'skip' (the default) counts them in
   * `skipped` and checks that the others are as many as the packet says; 'keep' reads all alike, as
   * SpikingJelly does.
   */
  invalid?: 'skip' | 'keep';
}

const PACKET_HEADER = 28;
const POLARITY = 1;
/** Beyond it a time would be no exact double: 2^22 overflows of 36 minutes, 285 years. */
const OVERFLOWS = 2 ** 22;

/**
 * Reads the polarity events: raw sensor axes, time = overflow counter * 2^31 + the event's, as
 * libcaer and SpikingJelly have it. Events in packets of other types are counted in `skipped`. Throws
 * a DatasetError on another version, a cut file, sizes and counts that no packet has, a position
 * outside the sensor (see outside), a time that steps back (see nonMonotonic), and where there is no event.
 *
 * ```ts
 * const recording = readAedat31(bytes);
 * for (const {class: gesture, start, end} of readDvsGestureLabels(csv)) {
 *   const frames = eventsToFrames(cutEvents(recording, start, end), {frames: 16, splitBy: 'number'});
 * }
 * ```
 */
export function readAedat31(bytes: Uint8Array | ArrayBuffer, options: Aedat31Options = {}) {
  return readEvents(new Aedat31Decoder(options), asBytes(bytes));
}

/** The same from chunks, in batches of `batchSize` events: see streamAedat2. */
export function streamAedat31(
  chunks: Chunks,
  { batchSize, ...options }: Aedat31Options & StreamEventsOptions = {},
): AsyncGenerator<EventRecording, void, undefined> {
  return streamEvents(new Aedat31Decoder(options), chunks, batchSize);
}

class Aedat31Decoder implements EventDecoder {
  readonly what = 'AEDAT 3.1';
  readonly eventBytes = 8;
  sensor: SensorSize = sensors.dvs128;
  readonly skipsOutside: boolean;
  private readonly keepBackwards: boolean;
  private readonly keepInvalid: boolean;
  private readonly givenSensor?: SensorSize;
  private readonly givenName?: SensorName;
  private readonly header = new AedatHeader('3.1');
  private inHeader = true;
  private events = 0;
  private time = 0;
  private packets = 0;
  /** Of the packet at hand: what is left of it, and what its header says. */
  private polarityLeft = 0;
  private bytesToSkip = 0;
  private epoch = 0;
  private validLeft = 0;

  constructor(options: Aedat31Options) {
    checkOptions(options, { sensor: null, ...readOptions, invalid: ['skip', 'keep'] });
    const { sensor } = options;
    if (sensor !== undefined) this.givenSensor = sensorSize(sensor);
    if (typeof sensor === 'string') this.givenName = sensor;
    this.keepBackwards = options.nonMonotonic === 'keep';
    this.skipsOutside = options.outside === 'skip';
    this.keepInvalid = options.invalid === 'keep';
  }

  decode(bytes: Uint8Array, start: number, writer: EventWriter): number {
    writer.blocked = false;
    let at = this.inHeader ? this.skipHeader(bytes, start) : start;
    if (this.inHeader) return at;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (!writer.blocked) {
      if (this.bytesToSkip > 0) {
        const skip = Math.min(this.bytesToSkip, bytes.length - at);
        this.bytesToSkip -= skip;
        at += skip;
        if (this.bytesToSkip > 0) break;
      } else if (this.polarityLeft > 0) {
        at = this.decodePolarity(view, at, writer);
        if (this.polarityLeft > 0) break;
      } else if (bytes.length - at >= PACKET_HEADER) {
        this.openPacket(view, at, writer);
        at += PACKET_HEADER;
      } else break;
    }
    return at;
  }

  end(rest: number): void {
    if (this.inHeader) {
      this.header.end(rest);
      throw new DatasetError("the header of an AEDAT 3.1 file must end with '#!END-HEADER'");
    }
    if (rest > 0 || this.polarityLeft > 0 || this.bytesToSkip > 0) {
      const missing =
        this.polarityLeft > 0
          ? `${this.polarityLeft * 8 - rest} bytes before the end of packet ${this.packets - 1}`
          : this.bytesToSkip > 0
            ? `${this.bytesToSkip} bytes before the end of packet ${this.packets - 1}`
            : `${rest} bytes into the header of packet ${this.packets}`;
      throw new DatasetError(
        `an AEDAT 3.1 file must hold whole packets, but ends ${missing}, after ${this.events} events`,
      );
    }
  }

  private skipHeader(bytes: Uint8Array, start: number): number {
    for (;;) {
      const line = this.header.next(bytes, start);
      if (line === 'incomplete') return start;
      if (line === 'data') {
        throw new DatasetError(
          "the header of an AEDAT 3.1 file must end with '#!END-HEADER', but line " +
            `${this.header.lines.length} does not begin with '#'`,
        );
      }
      start = line.end;
      if (line.text === '#!END-HEADER') {
        this.inHeader = false;
        this.sensor = this.sensorOf(this.sources());
        return start;
      }
      const format = /^#Format: *(.*)$/.exec(line.text)?.[1];
      if (format !== undefined && format !== 'RAW') {
        throw new DatasetError(`the format of an AEDAT 3.1 file must be RAW, but is '${format}'`);
      }
    }
  }

  /** The header's Source lines, such as `#Source 1: DVS128`. */
  private sources(): string[] {
    return this.header.lines.flatMap((line) => /^#Source \d+: *(.*)$/.exec(line)?.[1] ?? []);
  }

  /** What was given, unless it names another camera than the header; else the header's. */
  private sensorOf(sources: readonly string[]): SensorSize {
    const named = sources.flatMap((source) => cameraOf(source) ?? []);
    const { givenSensor, givenName } = this;
    if (givenName !== undefined && named.length > 0 && !named.includes(givenName)) {
      throw new DatasetError(
        `sensor must be the camera of the file's header, '${named[0]}', or a size {width, height}, ` +
          `but got '${givenName}'`,
      );
    }
    if (givenSensor !== undefined) return givenSensor;
    if (named.length > 0) return sensors[named[0]];
    if (sources.length === 0) return sensors.dvs128;
    throw new DatasetError(
      `the source of an AEDAT 3.1 file must be one of ${Object.keys(sensors).join(', ')}, but is ` +
        `${sources.map((source) => `'${source}'`).join(', ')}: give its size as sensor`,
    );
  }

  private openPacket(view: DataView, at: number, writer: EventWriter): void {
    const type = view.getInt16(at, true);
    const field = (index: number) => view.getInt32(at + 4 + 4 * index, true);
    const [size, timeOffset, overflow, capacity, number, valid] = [0, 1, 2, 3, 4, 5].map(field);
    const polarity = type === POLARITY;
    const must = (condition: boolean, what: string, received: string) => {
      if (condition) return;
      throw new DatasetError(
        `packet ${this.packets} of an AEDAT 3.1 file (at byte ${at} of this chunk or file) must ` +
          `have ${what}, but has ${received}`,
      );
    };
    must(type >= 0, 'a type of 0 or more', `${type}`);
    must(polarity ? size === 8 : size > 0, polarity ? 'event size 8' : 'an event size', `${size}`);
    must(!polarity || timeOffset === 4, 'timestamp offset 4', `${timeOffset}`);
    must(number > 0, 'one event or more', `${number}`);
    must(capacity === number, 'as much capacity as events', `${capacity} for ${number} events`);
    must(valid >= 0 && valid <= number, 'as many valid events at most', `${valid} of ${number}`);
    must(overflow >= 0 && overflow < OVERFLOWS, `an overflow counter below 2^22`, `${overflow}`);
    if (polarity) {
      this.polarityLeft = number;
      this.validLeft = valid;
      this.epoch = overflow * 2 ** 31;
    } else {
      this.bytesToSkip = size * number;
      writer.skipped += number;
    }
    this.packets++;
  }

  private decodePolarity(view: DataView, start: number, writer: EventWriter): number {
    const { width, height } = this.sensor;
    const { epoch, keepInvalid } = this;
    const { t, x, y, p, capacity } = writer;
    const first = writer.length;
    const base = this.events - first;
    const end = start + 8 * Math.min(this.polarityLeft, Math.floor((view.byteLength - start) / 8));
    let length = first;
    let valid = 0;
    let time = this.time;
    let at = start;
    for (; at < end; at += 8) {
      const data = view.getInt32(at, true);
      valid += data & 1;
      if ((data & 1) === 0 && !keepInvalid) {
        writer.skipped++;
        continue;
      }
      const column = data >>> 17;
      const row = (data >>> 2) & 0x7fff;
      const outside = column >= width || row >= height;
      if (outside && writer.outside !== undefined) {
        writer.outside++;
        continue;
      }
      if (length === capacity) {
        valid -= data & 1; // it will be read again
        writer.blocked = true;
        break;
      }
      if (outside) {
        throw outsideError(this.what, base + length, column, row, this.sensor);
      }
      const low = view.getUint32(at + 4, true);
      const now = epoch + low;
      // 31 bits by the format; IBM's description of DVS128 Gesture says 32, which is as clear at 0.
      if (low >= 2 ** 31 && epoch > 0) {
        throw new DatasetError(
          `event ${base + length} of an AEDAT 3.1 recording must have a time below 2^31 in a packet ` +
            `with overflow counter ${epoch / 2 ** 31}, but has ${low}`,
        );
      }
      if (now < time) {
        if (!this.keepBackwards) throw backwardsError(this.what, base + length, time, now);
        writer.backwards++;
      }
      time = now;
      t[length] = now;
      x[length] = column;
      y[length] = row;
      p[length] = (data >>> 1) & 1;
      length++;
    }
    writer.length = length;
    this.events = base + length;
    this.time = time;
    this.polarityLeft -= (at - start) / 8;
    this.validLeft -= valid;
    if (this.polarityLeft === 0 && this.validLeft !== 0 && !keepInvalid) {
      throw new DatasetError(
        `packet ${this.packets - 1} of an AEDAT 3.1 file must have as many valid events as its header ` +
          `says, but has ${Math.abs(this.validLeft)} ${this.validLeft > 0 ? 'fewer' : 'more'} ` +
          "(invalid: 'keep' reads all events alike)",
      );
    }
    return at;
  }
}
