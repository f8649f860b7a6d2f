/**
 * AEDAT 2.0, the format of jAER, CIFAR10-DVS and most recordings of DVS128 and DAVIS cameras
 * (docs.inivation.com, AEDAT 2.0): lines of text that begin with `#`, however many, then records of
 * 8 bytes, big-endian: uint32 address, uint32 time in microseconds.
 */

import { AedatHeader } from './_aedat_header';
import { type Layout, layouts, RECORD } from './_aedat2_layouts';
import {
  backwardsError,
  type Chunks,
  checkOptions,
  type EventDecoder,
  EventWriter,
  outsideError,
  type ReadEventsOptions,
  readEvents,
  readOptions,
  type StreamEventsOptions,
  streamEvents,
} from './_event_decoder';
import { asBytes, DatasetError } from './dataset_error';
import { cameraOf, type EventRecording, type SensorName, type SensorSize, sensors } from './events';

/** Options of `readAedat2`. */
export interface Aedat2Options extends ReadEventsOptions {
  /**
   * The camera, which says how an address is read: 'dvs640' is jAER's DVS640, as v2e writes its files
   * of 640 x 480. Another than the header names, in `# AEChip:`, is an error.
   */
  sensor: SensorName;
  /**
   * 'raw' (the default): as the sensor numbers them; 'cifar10dvs', for a DVS128: as SpikingJelly reads
   * CIFAR10-DVS, x = 127 - raw y, y = 127 - raw x, p = 1 - raw p.
   */
  axes?: 'raw' | 'cifar10dvs';
}

/** Records decoded at a time. */
const BLOCK = 8192;

/**
 * Reads a recording: raw sensor axes, times unsigned, continued where the 32-bit counter wraps. (A
 * step of 2^31 microseconds, 36 minutes, or more between two events counts as a step back.)
 * Words that are no polarity events (bit 31 or 10 of a DAVIS, bit 15 of a DVS128) are counted in
 * `skipped` and left out. Throws a DatasetError on another version, a header that names another
 * camera, a cut file, an address outside the sensor (see outside), a time that steps back (see
 * nonMonotonic), and where there is no event.
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
  readonly skipsOutside: boolean;
  private readonly camera: SensorName;
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
    checkOptions(options, { sensor: Object.keys(sensors), axes, ...readOptions });
    if (options.sensor === undefined) {
      const names = Object.keys(sensors).join(', ');
      throw new DatasetError(`sensor must be one of ${names}, but got undefined`);
    }
    this.sensor = sensors[options.sensor];
    this.camera = options.sensor;
    this.layout = layouts[options.sensor];
    if (options.axes === 'cifar10dvs') {
      if (options.sensor !== 'dvs128') {
        throw new DatasetError(
          `axes 'cifar10dvs' need sensor 'dvs128', but got '${options.sensor}'`,
        );
      }
      this.layout = layouts.cifar10dvs;
    }
    this.keepBackwards = options.nonMonotonic === 'keep';
    this.skipsOutside = options.outside === 'skip';
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
        this.checkCamera(line.text);
        if (line.text === '#End Of ASCII Header') this.inHeader = false;
      }
      if (!this.inHeader) return start;
    }
  }

  /** Refuses a header that names another camera: its addresses would be read as other events. */
  private checkCamera(line: string): void {
    const chip = /^#\s*AEChip:\s*(\S.*?)\s*$/i.exec(line)?.[1];
    if (chip !== undefined) this.checkChip(chip);
    // v2e's header names no chip; its files of this size are for jAER's DVS640.
    else if (this.camera === 'davis640' && /created by AEDat2Output in v2e\b/.test(line)) {
      throw this.otherCamera("'v2e', which writes 640 x 480 as", 'dvs640');
    }
  }

  private checkChip(chip: string): void {
    const named = cameraOf(chip);
    if (named === this.camera) return;
    const isCamera = /dvs|davis|atis|prophesee|imx|tmpdiff|dynap/i.test(chip);
    if (named !== undefined || isCamera) throw this.otherCamera(`'${chip}'`, named);
  }

  private otherCamera(chip: string, named: SensorName | undefined): DatasetError {
    const hint = named === undefined ? 'whose addresses are not read here' : `sensor '${named}'`;
    return new DatasetError(
      `sensor must be the camera of the file's header, ${chip} (${hint}), but got '${this.camera}'`,
    );
  }

  private decodeRecords(bytes: Uint8Array, start: number, writer: EventWriter): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { other, never } = this.layout;
    const end = bytes.length - ((bytes.length - start) % RECORD);
    let at = start;
    let block = BLOCK;
    while (at < end) {
      const address = view.getInt32(at);
      if ((address & never) !== 0) throw this.strayBits(address);
      if ((address & other) !== 0) {
        writer.skipped++;
        at += RECORD;
      } else {
        const room = Math.min(writer.capacity - writer.length, block, (end - at) / RECORD);
        if (room === 0) {
          // What comes after the last event of all must not wait for a batch of its own.
          if (writer.outside === undefined || this.isInside(view, at)) {
            writer.blocked = true;
            break;
          }
          writer.outside++;
          at += RECORD;
          continue;
        }
        // One column after the other while the block is in the cache: twice as fast as by record.
        const filled = this.layout.fill(view, at, room, writer);
        const run = this.insideOf(writer, filled);
        this.decodeTimes(view, at, run, writer);
        writer.length += run;
        this.events += run;
        at += run * RECORD;
        if (run === filled) block = Math.min(BLOCK, 2 * block);
        else {
          this.leaveOut(writer);
          at += RECORD;
          block = 1; // what was filled in vain stays below what was not
        }
      }
    }
    return at;
  }

  private isInside(view: DataView, at: number): boolean {
    const one = new EventWriter(1, false);
    return this.insideOf(one, this.layout.fill(view, at, 1, one)) === 1;
  }

  /** How many of the block's events lie on the sensor, before the first that does not. */
  private insideOf({ x, y, length }: EventWriter, filled: number): number {
    if (this.layout.alwaysInside) return filled;
    const { width, height } = this.sensor;
    for (let i = 0; i < filled; i++) {
      if (x[length + i] >= width || y[length + i] >= height) return i;
    }
    return filled;
  }

  /** The event after the last one, which lies beside the sensor. */
  private leaveOut(writer: EventWriter): void {
    const { x, y, length } = writer;
    if (writer.outside === undefined) {
      throw outsideError(this.what, this.events, x[length], y[length], this.sensor);
    }
    writer.outside++;
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
      `event ${this.events} of an AEDAT 2.0 recording must have an address of ${this.layout.bits} bits, ` +
        `but has 0x${(address >>> 0).toString(16)} (is the sensor right?)`,
    );
  }
}
