/**
 * What the event readers share: a decoder that takes bytes as they come, and the two ways to run it,
 * over a whole file and over chunks. Both run the same decoder, so they cannot disagree.
 */
import { BEGINNING } from './_foreign_events';
import { asBytes, DatasetError } from './dataset_error';
import type { EventRecording, SensorSize } from './events';

/** Options that all readers of events share. */
export interface ReadEventsOptions {
  /**
   * What becomes of an event that is earlier than the one before: 'error' (the default), or 'keep',
   * which leaves it where it stands and counts it in `backwards`.
   */
  nonMonotonic?: 'error' | 'keep';
  /**
   * What becomes of an event beside the sensor: 'error' (the default), or 'skip', which leaves it out,
   * as if it were not in the file, and counts it in `outside`.
   */
  outside?: 'error' | 'skip';
}

/** Options of the readers that stream events in batches. */
export interface StreamEventsOptions {
  /** Events in each batch but the last. Default 2^20: 13 MiB. */
  batchSize?: number;
}

/** Bytes in pieces of any size: a file stream of Node, a body of fetch, an array. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface EventDecoder {
  /** The format's name in errors. */
  readonly what: string;
  /** The smallest number of bytes that an event takes. */
  readonly eventBytes: number;
  /** Known once an event has been decoded. */
  readonly sensor: SensorSize;
  /** Whether events beside the sensor are left out. */
  readonly skipsOutside: boolean;
  /**
   * Writes the events of all whole records from `start` on; returns where the rest begins. Stops
   * before an event for which the writer has no room, and says so in `writer.blocked`.
   */
  decode(bytes: Uint8Array, start: number, writer: EventWriter): number;
  /** Throws where the file cannot end here, `rest` bytes after the last whole record. */
  end(rest: number): void;
}

/** Columns being filled. Decoders write `length` and the arrays themselves: this is the hot loop. */
export class EventWriter {
  t: Float64Array;
  x: Uint16Array;
  y: Uint16Array;
  p: Uint8Array;
  length = 0;
  skipped = 0;
  backwards = 0;
  /** Events beside the sensor; undefined: such are errors. */
  outside: number | undefined;
  blocked = false;

  constructor(
    readonly capacity: number,
    skipOutside: boolean,
  ) {
    if (skipOutside) this.outside = 0;
    this.t = new Float64Array(capacity);
    this.x = new Uint16Array(capacity);
    this.y = new Uint16Array(capacity);
    this.p = new Uint8Array(capacity);
  }

  /** The columns, without a copy where they are full. The writer is spent. */
  take({ width, height }: SensorSize): EventRecording {
    const { t, x, y, p, length, capacity, skipped, backwards, outside } = this;
    const full = length === capacity;
    return {
      t: full ? t : t.slice(0, length),
      x: full ? x : x.slice(0, length),
      y: full ? y : y.slice(0, length),
      p: full ? p : p.slice(0, length),
      width,
      height,
      skipped,
      backwards,
      ...(outside !== undefined && { outside }),
    };
  }
}

/** Reads a whole file. Memory is bounded by its length: 13 bytes for each event that it can hold. */
export function readEvents(decoder: EventDecoder, file: Uint8Array): EventRecording {
  const { skipsOutside } = decoder;
  const probe = new EventWriter(0, skipsOutside); // stops at the first event: columns of the right length need no copy
  const start = decoder.decode(file, 0, probe);
  const writer = new EventWriter(
    Math.floor((file.length - start) / decoder.eventBytes),
    skipsOutside,
  );
  writer.skipped = probe.skipped;
  writer.outside = probe.outside;
  decoder.end(file.length - decoder.decode(file, start, writer));
  if (writer.length === 0) throw noEvents(decoder.what, writer);
  return writer.take(decoder.sensor);
}

/** Reads chunks into batches of `batchSize` events, the same ones wherever the chunks are cut. */
export async function* streamEvents(
  decoder: EventDecoder,
  chunks: Chunks,
  batchSize = 2 ** 20,
): AsyncGenerator<EventRecording, void, undefined> {
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 2 ** 30) {
    throw new DatasetError(`batchSize must be an integer from 1 to 2^30, but got ${batchSize}`);
  }
  const newWriter = () => new EventWriter(batchSize, decoder.skipsOutside);
  let writer = newWriter();
  let rest: Uint8Array = new Uint8Array(0);
  for await (const bytes of fromBeginning(chunks)) {
    const all = joined(rest, bytes);
    let at = decoder.decode(all, 0, writer);
    while (writer.blocked) {
      yield writer.take(decoder.sensor);
      writer = newWriter();
      at = decoder.decode(all, at, writer);
    }
    rest = all.slice(at); // a copy: the source may use its buffer again
  }
  decoder.end(rest.length);
  // The last batch holds an event: one is only handed out when the next event has come.
  if (writer.length === 0) throw noEvents(decoder.what, writer);
  yield writer.take(decoder.sensor);
}

/** The chunks; the first of them has enough of the file to tell its kind, or is all of it. */
async function* fromBeginning(chunks: Chunks): AsyncGenerator<Uint8Array, void, undefined> {
  let beginning: Uint8Array = new Uint8Array(0);
  let begun = false;
  for await (const chunk of chunks) {
    const bytes: Uint8Array = begun ? asBytes(chunk) : joined(beginning, asBytes(chunk));
    begun ||= bytes.length >= BEGINNING;
    if (begun) yield bytes;
    else beginning = bytes.slice(); // a copy: the source may use its buffer again
  }
  if (!begun) yield beginning;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function noEvents(what: string, { skipped, outside = 0 }: EventWriter): DatasetError {
  const others =
    (skipped > 0 ? `, only ${skipped} records of other kinds` : '') +
    (outside > 0 ? `, only ${outside} beside the sensor` : '');
  return new DatasetError(`an ${what} recording must hold events, but holds none${others}`);
}

/** Refuses options that are no object, keys that are not known, and values that are not allowed. */
export function checkOptions(
  options: object,
  known: Readonly<Record<string, readonly string[] | null>>,
): void {
  if (typeof options !== 'object' || options === null) {
    throw new DatasetError(`options must be an object, but got ${options}`);
  }
  for (const [key, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, key)) {
      const keys = Object.keys(known).join(', ');
      throw new DatasetError(`options must have no keys but ${keys}; got '${key}'`);
    }
    const values = known[key];
    if (values !== null && value !== undefined && !values.includes(value)) {
      const allowed = values.map((each) => `'${each}'`).join(', ');
      throw new DatasetError(`${key} must be one of ${allowed}, but got ${JSON.stringify(value)}`);
    }
  }
}

/** The options that all readers have, for checkOptions. */
export const readOptions = { nonMonotonic: ['error', 'keep'], outside: ['error', 'skip'] } as const;

/** The error of an event that is earlier than the one before it. */
export function backwardsError(what: string, index: number, from: number, to: number) {
  return new DatasetError(
    `event ${index} of an ${what} recording must not be earlier than the one before, but the time ` +
      `steps from ${from} to ${to} microseconds (nonMonotonic: 'keep' reads on and counts these)`,
  );
}

/** The error of an event beside the sensor. */
export function outsideError(
  what: string,
  index: number,
  x: number,
  y: number,
  { width, height }: SensorSize,
) {
  return new DatasetError(
    `event ${index} of an ${what} recording must lie on the sensor of ${width} x ${height}, but ` +
      `has x ${x}, y ${y} (outside: 'skip' reads on and counts these)`,
  );
}
