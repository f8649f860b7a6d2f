/**
 * Mutated and random bytes at every reader of data files: each must read them or throw a
 * DatasetError, soon, and give no more than the bytes can hold. A find is printed as base64 with its
 * reader, to be pinned in that reader's test.
 */
import {
  DatasetError,
  eventsToFrames,
  readAedat2,
  readAedat31,
  readCifar10,
  readCifar100,
  readDat,
  readDvsGestureLabels,
  readIdx,
  readNMnist,
} from '../../datasets';
import { Random } from '../../lib/random';
import { headerLength, parseHeader, SHARD_START } from '../../node/datasets/frames_shard';
import { cpuMilliseconds } from './cpu_time';

interface Target {
  /** Bytes that it reads. */
  valid: Uint8Array;
  /** Reads; returns how many bytes of arrays came out. */
  read: (bytes: Uint8Array) => number;
}

/** Bytes of results that a byte of a file may become: an event of 5 bytes takes 13. */
const GROWTH = 4;
/** Milliseconds that one case may take; a garbage collection may fall into it. */
const SLOW = 2000;

const text = (...lines: string[]) => new TextEncoder().encode(lines.join('\r\n'));
function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
const words = (littleEndian: boolean, ...values: number[]) => {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, littleEndian);
  });
  return new Uint8Array(view.buffer);
};
const events = Array.from({ length: 12 }, (_, i) => ({ t: 100 * i, x: 3 * i, y: 2 * i, p: i % 2 }));

function columns(recording: ReturnType<typeof readNMnist>): number {
  const { t, x, y, p, width, height } = recording;
  for (let i = 0; i < t.length; i++) {
    if (!(x[i] < width && y[i] < height && p[i] < 2 && t[i] >= 0)) {
      throw new Error(`event ${i} is ${t[i]}, ${x[i]}, ${y[i]}, ${p[i]}`);
    }
  }
  if (width === 34) {
    const { data } = eventsToFrames(recording, { frames: 2, splitBy: 'number' });
    let counted = 0;
    for (const count of data) counted += count;
    if (counted !== t.length) throw new Error(`the frames hold ${counted} of ${t.length} events`);
  }
  return t.byteLength + x.byteLength + y.byteLength + p.byteLength;
}

const aedat2 = join(
  text('#!AER-DAT2.0', '# a comment', ''),
  ...events.map(({ t, x, y, p }) => words(false, (y << 8) | (x << 1) | p, t)),
);
const davis = join(
  text('#!AER-DAT2.0', ''),
  ...events.map(({ t, x, y, p }) => words(false, (y << 22) | (x << 12) | (p << 11), t)),
);
const dvs640 = join(
  text('#!AER-DAT2.0', '# AEChip: ch.unizh.ini.jaer.chip.retina.DVS640', ''),
  ...events.map(({ t, x, y, p }) => words(false, (y << 11) | (x << 1) | p, t)),
);
const aedat31 = join(
  text('#!AER-DAT3.1', '#Source 1: DVS128', '#!END-HEADER', ''),
  words(true, 0x10001, 8, 4, 0, events.length, events.length, events.length),
  ...events.map(({ t, x, y, p }) => words(true, (x << 17) | (y << 2) | (p << 1) | 1, t)),
);
const dat = join(
  text('% Data file containing CD events.', '% Version 2', '% Height 100', '% Width 120', ''),
  Uint8Array.of(12, 8),
  ...events.map(({ t, x, y, p }) => words(true, t, (p << 28) | (y << 14) | x)),
);
const nMnist = Uint8Array.from(
  events.flatMap(({ t, x, y, p }) => [x, y, (p << 7) | (t >>> 16), (t >>> 8) & 255, t & 255]),
);
const csv = text('class,startTime_usec,endTime_usec', '1,10,20', '11,15,300', '');
const shard = shardOf();

function shardOf(): Uint8Array {
  const entry = { label: 1, shape: [1, 2, 2, 2], dtype: 'uint8', bytes: 3, sha256: 'ab' };
  const json = text(JSON.stringify({ key: 'k', first: 0, entries: [entry, { skipped: 'why' }] }));
  return join(text('SPKFRM1\n'), words(true, json.length), json, Uint8Array.of(1, 2, 3));
}

const keep = { nonMonotonic: 'keep' } as const;
const targets: Record<string, Target> = {
  readAedat2: {
    valid: aedat2,
    read: (bytes) => columns(readAedat2(bytes, { sensor: 'dvs128', ...keep })),
  },
  'readAedat2 of a DAVIS': {
    valid: davis,
    read: (bytes) => columns(readAedat2(bytes, { sensor: 'davis240', ...keep })),
  },
  'readAedat2 of a DVS640': {
    valid: dvs640,
    read: (bytes) => columns(readAedat2(bytes, { sensor: 'dvs640', outside: 'skip', ...keep })),
  },
  readAedat31: { valid: aedat31, read: (bytes) => columns(readAedat31(bytes, keep)) },
  readDat: { valid: dat, read: (bytes) => columns(readDat(bytes, keep)) },
  readNMnist: { valid: nMnist, read: (bytes) => columns(readNMnist(bytes, keep)) },
  readIdx: {
    valid: join(Uint8Array.of(0, 0, 8, 3), words(false, 2, 3, 2), new Uint8Array(12).fill(7)),
    read: (bytes) => readIdx(bytes).data.byteLength,
  },
  readCifar10: {
    valid: new Uint8Array(2 * 3073).fill(9),
    read: (bytes) => readCifar10(bytes).images.length,
  },
  readCifar100: {
    valid: new Uint8Array(3074).fill(9),
    read: (bytes) => readCifar100(bytes).images.length,
  },
  readDvsGestureLabels: {
    valid: csv,
    read: (bytes) => readDvsGestureLabels(new TextDecoder().decode(bytes)).length,
  },
  'a shard of frames': {
    valid: shard,
    read: (bytes) => {
      const length = headerLength(bytes.subarray(0, SHARD_START));
      if (length === null || SHARD_START + length > bytes.length) return 0;
      const json = bytes.subarray(SHARD_START, SHARD_START + length);
      return parseHeader(json, bytes.length)?.offsets.length ?? 0;
    },
  },
};

/** A few bytes set, bits flipped, a piece cut out, doubled or appended; now and then noise alone. */
function mutate(valid: Uint8Array, random: Random): Uint8Array {
  if (random.integer(20) === 0) {
    return Uint8Array.from({ length: random.integer(64) }, () => random.integer(256));
  }
  let bytes: Uint8Array = valid.slice();
  for (let changes = 1 + random.integer(4); changes > 0; changes--) {
    const at = random.integer(bytes.length + 1);
    const length = random.integer(12);
    switch (random.integer(5)) {
      case 0:
        if (at < bytes.length) bytes[at] = random.integer(256);
        break;
      case 1:
        if (at < bytes.length) bytes[at] ^= 1 << random.integer(8);
        break;
      case 2:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 3:
        bytes = join(bytes.subarray(0, at + length), bytes.subarray(at));
        break;
      default:
        bytes = bytes.slice(0, at);
    }
  }
  return bytes;
}

/** Runs `count` cases against each reader; returns what was found. */
export function soakReaders(count: number, seed: number): string[] {
  const found: string[] = [];
  for (const [name, { valid, read }] of Object.entries(targets)) {
    const began = performance.now();
    let accepted = 0;
    for (let i = 0; i < count; i++) {
      const bytes = mutate(valid, new Random(seed, name, i));
      const start = cpuMilliseconds();
      let problem: string | null = null;
      try {
        const size = read(bytes);
        accepted++;
        if (size > GROWTH * bytes.length + 64) problem = `${size} bytes out of ${bytes.length}`;
      } catch (error) {
        if (!(error instanceof DatasetError)) problem = `${error}`;
      }
      const took = cpuMilliseconds() - start;
      if (took > SLOW) problem = `took ${took.toFixed(0)} ms`;
      if (problem === null) continue;
      found.push(`${name}, case ${i}: ${problem}: ${Buffer.from(bytes).toString('base64')}`);
      if (found.length >= 20) return found;
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`${name}: ${count} cases, ${accepted} read, the others refused; ${seconds} s`);
  }
  return found;
}
