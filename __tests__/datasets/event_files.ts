/** Event files built from their formats' descriptions, for the readers' tests; mutations of them. */
import fc from 'fast-check';
import { concatEvents, type EventRecording } from '../../datasets';

export interface TestEvent {
  t: number;
  x: number;
  y: number;
  p: number;
}

/** `count` runs, or as many as SPIKINGFORMER_SOAK_RUNS says: for hours of the same. */
export const numRuns = (count: number) => Number(process.env.SPIKINGFORMER_SOAK_RUNS ?? count);

export const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Words of 32 bits, as many bytes. */
export function words(values: readonly number[], littleEndian = false): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, littleEndian);
  });
  return new Uint8Array(view.buffer);
}

export const dvs128Word = ({ x, y, p }: TestEvent) => (y << 8) | (x << 1) | p;
export const davisWord = ({ x, y, p }: TestEvent) => (y << 22) | (x << 12) | (p << 11);

/** An AEDAT 2.0 file of raw words, each with its time. */
export function aedat2File(
  records: readonly (readonly [word: number, time: number])[],
  head = '#!AER-DAT2.0\r\n# made by a test\r\n',
): Uint8Array {
  return joinBytes(ascii(head), words(records.flat()));
}

export interface TestPacket {
  type?: number;
  events: readonly (TestEvent & { valid?: boolean })[];
  overflow?: number;
  /** Fields of the header to write instead of the true ones. */
  fields?: { size?: number; offset?: number; capacity?: number; number?: number; valid?: number };
}

export const AEDAT31_HEAD =
  '#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2017\r\n#!END-HEADER\r\n';

export function aedat31Packet({ type = 1, events, overflow = 0, fields = {} }: TestPacket) {
  const count = events.length;
  const marked = events.filter(({ valid }) => valid !== false).length;
  const { size = 8, offset = 4, capacity = count, number = count, valid = marked } = fields;
  const header = [type | (1 << 16), size, offset, overflow, capacity, number, valid];
  const body = events.flatMap((event) => [
    (event.x << 17) | (event.y << 2) | (event.p << 1) | (event.valid === false ? 0 : 1),
    event.t,
  ]);
  return words([...header, ...body], true);
}

export function aedat31File(packets: readonly TestPacket[], head = AEDAT31_HEAD): Uint8Array {
  return joinBytes(ascii(head), ...packets.map(aedat31Packet));
}

export const DAT_HEAD = '% Data file containing TD events.\n% Version 2\n% Date 2016-7-21\n';

/** A DAT file of CD events; the head may state a size. */
export function datFile(
  events: readonly TestEvent[],
  head = DAT_HEAD,
  [type, size]: readonly [number, number] = [12, 8],
) {
  const body = events.flatMap(({ t, x, y, p }) => [t, ((p << 28) | (y << 14) | x) >>> 0]);
  return joinBytes(ascii(head), Uint8Array.of(type, size), words(body, true));
}

export function nMnistFile(events: readonly TestEvent[]): Uint8Array {
  return Uint8Array.from(
    events.flatMap(({ t, x, y, p }) => [x, y, (p << 7) | (t >>> 16), (t >>> 8) & 255, t & 255]),
  );
}

/** Events in order on a sensor; times from 0 to about `steps * 30`. */
export function eventsOn(width: number, height: number, maxLength = 30): fc.Arbitrary<TestEvent[]> {
  const event = fc.record({
    step: fc.nat(1000),
    x: fc.nat(width - 1),
    y: fc.nat(height - 1),
    p: fc.nat(1),
  });
  return fc.array(event, { minLength: 1, maxLength }).map((events) => {
    let t = 0;
    return events.map(({ step, ...rest }) => {
      t += step;
      return { t, ...rest };
    });
  });
}

/** What a reader should have made of the events. */
export function columns(events: readonly TestEvent[]) {
  return {
    t: Float64Array.from(events, ({ t }) => t),
    x: Uint16Array.from(events, ({ x }) => x),
    y: Uint16Array.from(events, ({ y }) => y),
    p: Uint8Array.from(events, ({ p }) => p),
  };
}

/** The bytes in pieces that end at the borders, each piece the view of a reused buffer. */
export async function* pieces(bytes: Uint8Array, borders: readonly number[]) {
  const buffer = new Uint8Array(bytes.length);
  const cuts = [...borders.map((border) => border % (bytes.length + 1)), 0, bytes.length];
  cuts.sort((a, b) => a - b);
  for (let i = 1; i < cuts.length; i++) {
    const piece = bytes.subarray(cuts[i - 1], cuts[i]);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    buffer.fill(0xaa, 0, piece.length);
  }
}

export async function collect(stream: AsyncIterable<EventRecording>): Promise<EventRecording[]> {
  const batches: EventRecording[] = [];
  for await (const batch of stream) batches.push(batch);
  return batches;
}

const asBuffer = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

/**
 * Holds that a stream cut anywhere gives batches of `batchSize` that are `whole` when joined, and that
 * it refuses what the reader refuses.
 */
export async function expectSameStream(
  read: () => EventRecording,
  stream: () => AsyncIterable<EventRecording>,
  batchSize: number,
): Promise<void> {
  let whole: EventRecording | undefined;
  try {
    whole = read();
  } catch {
    await expect(collect(stream())).rejects.toThrow();
    return;
  }
  const batches = await collect(stream());
  const together = concatEvents(batches);
  const { t, x, y, p, ...counts } = whole;
  expect(together).toMatchObject(counts);
  // Bytes, as toEqual takes seconds over the arrays of a real recording.
  for (const [column, expected] of Object.entries({ t, x, y, p })) {
    const bytes = together[column as 't' | 'x' | 'y' | 'p'];
    expect([column, Buffer.compare(asBuffer(bytes), asBuffer(expected))]).toEqual([column, 0]);
  }
  const lengths = batches.map(({ t }) => t.length);
  expect(lengths.slice(0, -1).every((length) => length === batchSize)).toBe(true);
  expect(lengths.at(-1)).toBeGreaterThan(0);
}

/**
 * Holds `expectSameStream` for any cuts and batches of so many draws of files, whole ones and mutated ones.
 *
 * @param stream gives batches of `batchSize`
 */
export async function expectSameStreams(
  runs: number,
  files: fc.Arbitrary<Uint8Array>,
  read: (file: Uint8Array) => EventRecording,
  stream: (chunks: AsyncIterable<Uint8Array>, batchSize: number) => AsyncIterable<EventRecording>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(files, mutated(files)),
      fc.array(fc.nat(), { maxLength: 9 }),
      fc.integer({ min: 1, max: 12 }),
      async (file, borders, batchSize) => {
        const cut = () => stream(pieces(file, borders), batchSize);
        await expectSameStream(() => read(file), cut, batchSize);
      },
    ),
    { numRuns: numRuns(runs) },
  );
}

/** The file with some bytes set, some cut off its end or added, and sometimes a part taken out. */
export function mutated(file: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      file,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.oneof(fc.constant(0), fc.integer({ min: -40, max: 12 })),
      fc.option(fc.tuple(fc.nat(), fc.nat(20))),
    )
    .map(([bytes, sets, resize, hole]) => {
      const changed = new Uint8Array(Math.max(0, bytes.length + resize));
      changed.set(bytes.subarray(0, changed.length));
      for (const [at, byte] of sets) if (changed.length) changed[at % changed.length] = byte;
      if (hole === null) return changed;
      const from = hole[0] % (changed.length + 1);
      return joinBytes(changed.subarray(0, from), changed.subarray(from + hole[1]));
    });
}
