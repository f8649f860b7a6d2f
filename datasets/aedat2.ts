/**
 * AEDAT 2.0, the format of jAER, CIFAR10-DVS and most recordings of DVS128 and DAVIS cameras
 * (docs.inivation.com, AEDAT 2.0): lines of text that begin with `#`, however many, then records of
 * 8 bytes, big-endian: uint32 address, uint32 time in microseconds.
 */
import { AedatHeader } from './_aedat_header';
import {
  backwardsError,
  type Chunks,
  checkOptions,
  type EventDecoder,
  type EventWriter,
  nonMonotonic,
  outsideError,
  type ReadEventsOptions,
  readEvents,
  type StreamEventsOptions,
  streamEvents,
} from './_event_decoder';
import { asBytes, DatasetError } from './dataset_error';
import { type EventRecording, type SensorName, type SensorSize, sensors } from './events';

export interface Aedat2Options extends ReadEventsOptions {
  /** The camera, which says how an address is read. */
  sensor: SensorName;
  /**
   * 'raw' (the default): as the sensor numbers them; 'cifar10dvs', for a DVS128: as SpikingJelly reads
   * CIFAR10-DVS, x = 127 - raw y, y = 127 - raw x, p = 1 - raw p.
   */
  axes?: 'raw' | 'cifar10dvs';
}

const RECORD = 8;
/** Records decoded at a time. */
const BLOCK = 8192;

/** How a camera's addresses are read. Masks are signed (`| 0`): a loop over int32 is twice as fast. */
interface Layout {
  /** A word with one of these bits is no polarity event: APS, IMU, external input. */
  other: number;
  /** No word has one of these bits. */
  never: number;
  /** Fills x, y and p from the words at `start` and on, up to the first that is no event; returns how many. */
  fill(view: DataView, start: number, room: number, writer: EventWriter): number;
  /** Whether every address lies on the sensor. */
  alwaysInside: boolean;
}

// One loop a camera, with its masks written out: looked up, they take a third longer.

/** Polarity in bit 0, x in bits 1 to 7, y in bits 8 to 14. */
const dvs: Layout = {
  other: 0x8000,
  never: 0xffff0000 | 0,
  fill: (view, start, room, { x, y, p, length }) => fillDvs(view, start, room, x, y, p, length, 0),
  alwaysInside: true,
};
/** The axes exchanged, and all three turned on their heads: 127 - x is x ^ 127. */
const cifar10Dvs: Layout = {
  ...dvs,
  fill: (view, start, room, { x, y, p, length }) =>
    fillDvs(view, start, room, y, x, p, length, 0x7fff),
};

function fillDvs(
  view: DataView,
  start: number,
  room: number,
  low: Uint16Array,
  high: Uint16Array,
  p: Uint8Array,
  from: number,
  flip: number,
): number {
  let i = 0;
  for (let at = start, to = from; i < room; i++, at += RECORD, to++) {
    const address = view.getInt32(at);
    if ((address & ~0x7fff) !== 0) break;
    const bits = address ^ flip;
    low[to] = (bits >> 1) & 0x7f;
    high[to] = (bits >> 8) & 0x7f;
    p[to] = bits & 1;
  }
  return i;
}

/** Polarity in bit 11, x in bits 12 to 21, y in bits 22 to 30: more than any of these sensors has. */
const davis: Layout = {
  other: 0x80000400 | 0,
  never: 0,
  fill(view, start, room, { x, y, p, length }) {
    let i = 0;
    for (let at = start, to = length; i < room; i++, at += RECORD, to++) {
      const address = view.getInt32(at);
      if ((address & 0x80000400) !== 0) break;
      x[to] = (address >> 12) & 0x3ff;
      y[to] = (address >> 22) & 0x1ff;
      p[to] = (address >> 11) & 1;
    }
    return i;
  },
  alwaysInside: false,
};

/**
 * Reads a recording: raw sensor axes, times unsigned, continued where the 32-bit counter wraps. (A
 * step of 2^31 microseconds, 36 minutes, or more between two events counts as a step back.)
 * Words that are no polarity events (bit 31 or 10 of a DAVIS, bit 15 of a DVS128) are counted in
 * `skipped` and left out. Throws a DatasetError on another version, a cut file, an address outside
 * the sensor, a time that steps back (see nonMonotonic), and where there is no event.
 *
 * ```ts
 * const events = readAedat2(bytes, {sensor: 'dvs128', axes: 'cifar10dvs'});
 * const frames = eventsToFrames(events, {frames: 16, splitBy: 'number'});
 * ```
 */
export function readAedat2(bytes: Uint8Array | ArrayBuffer, options: Aedat2Options) {
  return readEvents(new Aedat2Decoder(options), asBytes(bytes));
}

/**
 * The same from chunks, for recordings larger than memory: batches of `batchSize` events (the last
 * has the rest), the same ones wherever the chunks are cut. Throws as readAedat2 does, when it gets
 * there.
 *
 * ```ts
 * for await (const {t, x, y, p} of streamAedat2(createReadStream(path), {sensor: 'davis240'})) { ... }
 * ```
 */
export function streamAedat2(
  chunks: Chunks,
  { batchSize, ...options }: Aedat2Options & StreamEventsOptions,
): AsyncGenerator<EventRecording, void, undefined> {
  return streamEvents(new Aedat2Decoder(options), chunks, batchSize);
}

class Aedat2Decoder implements EventDecoder {
  readonly what = 'AEDAT 2.0';
  readonly eventBytes = 8;
  readonly sensor: SensorSize;
  private readonly layout: Layout;
  private readonly keepBackwards: boolean;
  private readonly header = new AedatHeader('2.0');
  private inHeader = true;
  private events = 0;
  /** Of the last event: unwrapped, and the low 32 bits, which are all that the file has. */
  private time = 0;
  private ticks = 0;

  constructor(options: Aedat2Options) {
    const axes = ['raw', 'cifar10dvs'];
    checkOptions(options, { sensor: Object.keys(sensors), axes, nonMonotonic });
    if (options.sensor === undefined) {
      const names = Object.keys(sensors).join(', ');
      throw new DatasetError(`sensor must be one of ${names}, but got undefined`);
    }
    this.sensor = sensors[options.sensor];
    this.layout = options.sensor === 'dvs128' ? dvs : davis;
    if (options.axes === 'cifar10dvs') {
      if (options.sensor !== 'dvs128') {
        throw new DatasetError(
          `axes 'cifar10dvs' need sensor 'dvs128', but got '${options.sensor}'`,
        );
      }
      this.layout = cifar10Dvs;
    }
    this.keepBackwards = options.nonMonotonic === 'keep';
  }

  decode(bytes: Uint8Array, start: number, writer: EventWriter): number {
    writer.blocked = false;
    const begin = this.inHeader ? this.skipHeader(bytes, start) : start;
    return this.inHeader ? begin : this.decodeRecords(bytes, begin, writer);
  }

  end(rest: number): void {
    if (this.inHeader) this.header.end(rest);
    else if (rest > 0) {
      throw new DatasetError(
        `an AEDAT 2.0 file must hold whole records of 8 bytes after its header, but ends with ` +
          `${rest} bytes after event ${this.events - 1}`,
      );
    }
  }

  private skipHeader(bytes: Uint8Array, start: number): number {
    for (;;) {
      const line = this.header.next(bytes, start);
      if (line === 'incomplete') return start;
      if (line === 'data') this.inHeader = false;
      else {
        start = line.end;
        if (line.text === '#End Of ASCII Header') this.inHeader = false;
      }
      if (!this.inHeader) return start;
    }
  }

  private decodeRecords(bytes: Uint8Array, start: number, writer: EventWriter): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { other, never } = this.layout;
    const end = bytes.length - ((bytes.length - start) % RECORD);
    let at = start;
    while (at < end) {
      const address = view.getInt32(at);
      if ((address & never) !== 0) throw this.strayBits(address);
      if ((address & other) !== 0) {
        writer.skipped++;
        at += RECORD;
      } else {
        const room = Math.min(writer.capacity - writer.length, BLOCK, (end - at) / RECORD);
        if (room === 0) {
          writer.blocked = true;
          break;
        }
        // One column after the other while the block is in the cache: twice as fast as by record.
        const run = this.layout.fill(view, at, room, writer);
        if (!this.layout.alwaysInside) this.checkPositions(writer, run);
        this.decodeTimes(view, at, run, writer);
        writer.length += run;
        this.events += run;
        at += run * RECORD;
      }
    }
    return at;
  }

  private checkPositions({ x, y, length }: EventWriter, run: number): void {
    const { width, height } = this.sensor;
    for (let i = length; i < length + run; i++) {
      if (x[i] < width && y[i] < height) continue;
      throw outsideError(this.what, this.events + i - length, x[i], y[i], this.sensor);
    }
  }

  private decodeTimes(view: DataView, start: number, run: number, writer: EventWriter): void {
    const { t, length } = writer;
    let { time, ticks } = this;
    for (let i = 0, at = start + 4, to = length; i < run; i++, at += RECORD, to++) {
      // The step since the last event by a counter of 32 bits: less than 2^31 either way.
      const now = view.getInt32(at);
      const step = (now - ticks) | 0;
      ticks = now;
      time = step >= 0 ? time + step : this.stepBack(time, step, now >>> 0, i, writer);
      t[to] = time;
    }
    this.time = time;
    this.ticks = ticks;
  }

  /** The time of the block's event `i`, whose counter stands before the last one's. */
  private stepBack(
    time: number,
    step: number,
    now: number,
    i: number,
    writer: EventWriter,
  ): number {
    if (this.events + i === 0) return now;
    const back = time + step < 0 ? now : time + step;
    if (!this.keepBackwards) throw backwardsError(this.what, this.events + i, time, back);
    writer.backwards++;
    return back;
  }

  private strayBits(address: number): DatasetError {
    return new DatasetError(
      `event ${this.events} of an AEDAT 2.0 recording must have a DVS128 address of 16 bits, but has ` +
        `0x${(address >>> 0).toString(16)} (is the sensor right?)`,
    );
  }
}
