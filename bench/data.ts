/**
 * Event recordings to columns and to frames, on generated data: `npm run bench -- data
 * [--events 10000000] [--rounds 7] [--python python3]`. Where that python has numpy, the reader that
 * SpikingJelly uses for CIFAR10-DVS (the same array operations, written anew) takes its turn too, from
 * the same file in the page cache. Then images to batches: bench/pipeline.ts.
 */
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  eventsToFrames,
  readAedat2,
  readAedat31,
  readNMnist,
  streamAedat2,
} from 'tfjs-spikingformer/datasets';
import { Contender } from './_contender';
import { appendCsv } from './csv';
import { type Candidate, measure, printTimings, timingRows } from './measure';
import { run as pipeline } from './pipeline';

/** The same pseudo-random numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 0;
  };
}

function aedat2(count: number): Uint8Array {
  const head = new TextEncoder().encode('#!AER-DAT2.0\r\n# generated\r\n');
  const bytes = new Uint8Array(head.length + 8 * count);
  bytes.set(head);
  const view = new DataView(bytes.buffer, head.length);
  const random = generator(1);
  for (let i = 0, time = 3e9; i < count; i++) {
    const bits = random();
    time += (bits >>> 28) & 3;
    view.setUint32(8 * i, (bits >>> 8) & 0x7fff);
    view.setUint32(8 * i + 4, time);
  }
  return bytes;
}

function aedat31(count: number, perPacket = 8192): Uint8Array {
  const head = new TextEncoder().encode('#!AER-DAT3.1\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n');
  const packets = Math.ceil(count / perPacket);
  const bytes = new Uint8Array(head.length + 28 * packets + 8 * count);
  bytes.set(head);
  const view = new DataView(bytes.buffer);
  const random = generator(1);
  let at = head.length;
  for (let i = 0, time = 0; i < count; i++) {
    if (i % perPacket === 0) {
      const number = Math.min(perPacket, count - i);
      [0x10001, 8, 4, 0, number, number, number].forEach((word, j) => {
        view.setUint32(at + 4 * j, word, true);
      });
      at += 28;
    }
    const bits = random();
    time += (bits >>> 28) & 3;
    const [x, y, p] = [(bits >>> 8) & 127, (bits >>> 15) & 127, (bits >>> 22) & 1];
    view.setUint32(at, (x << 17) | (y << 2) | (p << 1) | 1, true);
    view.setUint32(at + 4, time, true);
    at += 8;
  }
  return bytes;
}

function nMnist(count: number): Uint8Array {
  const bytes = new Uint8Array(5 * count);
  const random = generator(1);
  for (let i = 0; i < count; i++) {
    const bits = random();
    const time = Math.floor((i * 2 ** 23) / count);
    const high = ((bits >>> 31) << 7) | (time >>> 16);
    bytes.set([(bits >>> 8) % 34, (bits >>> 16) % 34, high, time >>> 8, time], 5 * i);
  }
  return bytes;
}

/** Answers each question with a count, after reading the file: what SpikingJelly does for CIFAR10-DVS. */
const NUMPY_READER = `
import sys
import numpy as np
for _ in sys.stdin:
    with open(sys.argv[1], 'rb') as file:
        skip = 0
        line = file.readline()
        while line.startswith(b'#'):
            skip += len(line)
            line = file.readline()
        file.seek(skip)
        words = np.frombuffer(file.read(), dtype='>u4').copy()  # as np.fromstring
    address, t = words[::2], words[1::2]
    x = (address & 0xfe) >> 1
    y = (address & 0x7f00) >> 8
    p = (address & 1).astype(bool)
    events = {'t': t, 'x': 127 - y, 'y': 127 - x, 'p': 1 - p.astype(int)}
    print('{"result": %d}' % len(events['t']), flush=True)
`;

/** The numpy reader, which has read the file once; or why there is none. */
async function numpyReader(python: string, path: string): Promise<Contender | string> {
  const reader = new Contender(python, { command: python, args: ['-c', NUMPY_READER, path] });
  try {
    await reader.ask('read');
    return reader;
  } catch (error) {
    await reader.end(0);
    return (error as Error).message;
  }
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      events: { type: 'string', default: '10000000' },
      rounds: { type: 'string', default: '7' },
      python: { type: 'string', default: 'python3' },
    },
  });
  const count = Number(values.events);
  const rounds = Number(values.rounds);
  const directory = mkdtempSync(join(tmpdir(), 'bench-data-'));
  const path = join(directory, 'generated.aedat');
  const bytes = aedat2(count);
  writeFileSync(path, bytes);
  const sensor = 'dvs128';
  const numpy = await numpyReader(values.python, path);
  if (typeof numpy === 'string') console.log(`no peer: ${numpy}`);

  const report = async (title: string, candidates: Record<string, Candidate>) => {
    const timings = await measure(candidates, { rounds, warmup: 2 });
    printTimings(`${title}, ${count} events`, timings);
    for (const { name, median } of timings) {
      console.log(`    ${name}: ${(count / median / 1000).toFixed(1)} million events/s`);
    }
    appendCsv('results/data.csv', timingRows(`${title}, ${count} events`, timings));
  };

  try {
    await report('CIFAR10-DVS file to columns as SpikingJelly has them', {
      'readAedat2 of readFileSync': () =>
        readAedat2(readFileSync(path), { sensor, axes: 'cifar10dvs' }),
      'streamAedat2, one batch': async () => {
        const chunks = createReadStream(path, { highWaterMark: 2 ** 20 });
        const options = { sensor, axes: 'cifar10dvs', batchSize: count } as const;
        for await (const batch of streamAedat2(chunks, options)) void batch;
      },
      ...(typeof numpy === 'string' ? {} : { 'numpy, as SpikingJelly': () => numpy.ask('read') }),
    });
    const packets = aedat31(count);
    const records = nMnist(count);
    await report('bytes to columns', {
      readAedat2: () => readAedat2(bytes, { sensor }),
      'streamAedat2 from a file': async () => {
        for await (const batch of streamAedat2(createReadStream(path), { sensor })) void batch;
      },
      readAedat31: () => readAedat31(packets),
      readNMnist: () => readNMnist(records),
    });
    const events = readAedat2(bytes, { sensor });
    await report('eventsToFrames, 128 x 128', {
      '16 frames by number': () => eventsToFrames(events, { frames: 16, splitBy: 'number' }),
      '16 frames by time': () => eventsToFrames(events, { frames: 16, splitBy: 'time' }),
      'frames of 1 s': () => eventsToFrames(events, { duration: 1e6 }),
    });
  } finally {
    if (typeof numpy !== 'string') await numpy.end();
    rmSync(directory, { recursive: true });
  }
  pipeline([]);
}
