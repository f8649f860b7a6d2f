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
const BLOCK = 2048;

/** Where an address holds what. Masks are signed (`| 0`): a loop over int32 is twice as fast. */
interface Layout {
  xShift: number;
  xMask: number;
  yShift: number;
  yMask: number;
  pShift: number;
  /** Turned on their head by xor: 127 - x is x ^ 127. */
  xFlip: number;
  yFlip: number;
  pFlip: number;
  /** A word with one of these bits is no polarity event: APS, IMU, external input. */
  other: number;
  /** No word has one of these bits. */
  never: number;
}

const dvs: Layout = {
  xShift: 1,
  xMask: 0x7f,
  yShift: 8,
  yMask: 0x7f,
  pShift: 0,
  xFlip: 0,
  yFlip: 0,
  pFlip: 0,
  other: 0x8000,
  never: 0xffff0000 | 0,
};
const cifar10Dvs: Layout = { ...dvs, xShift: 8, xFlip: 127, yShift: 1, yFlip: 127, pFlip: 1 };
const davis: Layout = {
  xShift: 12,
  xMask: 0x3ff,
  yShift: 22,
  yMask: 0x1ff,
  pShift: 11,
  xFlip: 0,
  yFlip: 0,
  pFlip: 0,
  other: 0x80000400 | 0,
  never: 0,
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
        const run = this.decodeAddresses(view, at, room, writer);
        this.decodeTimes(view, at, run, writer);
        writer.length += run;
        this.events += run;
        at += run * RECORD;
      }
    }
    return at;
  }

  /** Fills x, y and p up to the first word that is no event; returns how many. */
  private decodeAddresses(
    view: DataView,
    start: number,
    room: number,
    writer: EventWriter,
  ): number {
    const { xShift, xMask, xFlip, yShift, yMask, yFlip, pShift, pFlip, other, never } = this.layout;
    const { width, height } = this.sensor;
    const { x, y, p, length } = writer;
    const odd = other | never;
    let i = 0;
    for (let at = start, to = length; i < room; i++, at += RECORD, to++) {
      const address = view.getInt32(at);
      if ((address & odd) !== 0) break;
      x[to] = ((address >> xShift) & xMask) ^ xFlip;
      y[to] = ((address >> yShift) & yMask) ^ yFlip;
      p[to] = ((address >> pShift) & 1) ^ pFlip;
    }
    if (xMask >= width || yMask >= height) this.checkPositions(x, y, length, length + i);
    return i;
  }

  /** Afterwards, and only where an address can lie beside the sensor: a third faster for a DVS128. */
  private checkPositions(x: Uint16Array, y: Uint16Array, from: number, to: number): void {
    const { width, height } = this.sensor;
    for (let i = from; i < to; i++) {
      if (x[i] < width && y[i] < height) continue;
      throw outsideError(this.what, this.events + i - from, x[i], y[i], this.sensor);
    }
  }

  private decodeTimes(view: DataView, start: number, run: number, writer: EventWriter): void {
    const { t, length } = writer;
    let { time, ticks } = this;
    for (let i = 0; i < run; i++) {
      // The step since the last event by a counter of 32 bits: less than 2^31 either way.
      const now = view.getInt32(start + i * RECORD + 4);
      const step = (now - ticks) | 0;
      ticks = now;
      if (step >= 0) time += step;
      else if (this.events + i === 0) time = now >>> 0;
      else {
        const back = time + step < 0 ? now >>> 0 : time + step;
        if (!this.keepBackwards) throw backwardsError(this.what, this.events + i, time, back);
        time = back;
        writer.backwards++;
      }
      t[length + i] = time;
    }
    this.time = time;
    this.ticks = ticks;
  }

  private strayBits(address: number): DatasetError {
    return new DatasetError(
      `event ${this.events} of an AEDAT 2.0 recording must have a DVS128 address of 16 bits, but has ` +
        `0x${(address >>> 0).toString(16)} (is the sensor right?)`,
    );
  }
}
