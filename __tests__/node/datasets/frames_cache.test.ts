/** The cache of frames: the same frames, made once; whatever is cut, changed, killed or of another setting. */
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { Sample } from '../../../datasets/sample';
import { nmnist } from '../../../node/datasets';
import type { EventOptions } from '../../../node/datasets/event_set';
import { checkFramesCaches } from '../../../node/datasets/frames_cache';
import { killUntilDone, temporaryDirectory } from '../../support/process';
import { sum, write, writeNMnist } from './recordings';

const directory = temporaryDirectory();
const root = join(directory, 'nmnist');
const PER_CLASS = 60; // three shards
beforeAll(() => writeNMnist(root, PER_CLASS));
afterEach(() => jest.restoreAllMocks());

const setting = { split: 'train', frames: 5, splitBy: 'number', partial: true } as const;
let folders = 0;
const fresh = () => join(directory, `cache${folders++}`);
const shards = (cache: string) => join(cache, 'train-5-number');
const open = (cache: string, more: Partial<EventOptions> = {}) =>
  nmnist({ ...setting, root, cache, ...more } as EventOptions);

const bytesOf = ({ data }: Sample) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** All samples are those that are made without a cache; how many had to be made for that. */
async function expectWhole(cache: string): Promise<number> {
  let made = 0;
  const cached = await open(cache, { onProgress: () => made++ });
  const plain = await nmnist({ ...setting, root, cache: false });
  expect(cached.length).toBe(plain.length);
  for (let i = 0; i < plain.length; i += 7) {
    const [one, other] = [await cached.read(i), await plain.read(i)];
    expect([one.label, one.shape]).toEqual([other.label, other.shape]);
    // toEqual takes milliseconds for each of these.
    expect(Buffer.compare(bytesOf(one), bytesOf(other))).toBe(0);
  }
  const names = readdirSync(shards(cache)).sort();
  expect(names).toEqual(['manifest.json', ...[0, 1, 2].map((i) => `shard-0000${i}.bin`)]);
  expect(await checkFramesCaches(cache)).toEqual([{ path: shards(cache), problems: [] }]);
  return made;
}

test('frames are those made without it, are made once, and are small', async () => {
  const cache = fresh();
  expect(await expectWhole(cache)).toBeGreaterThan(600);
  expect(await expectWhole(cache)).toBe(0);
  const bytes = readdirSync(shards(cache)).reduce(
    (sum, name) => sum + statSync(join(shards(cache), name)).size,
    0,
  );
  expect(bytes).toBeLessThan((600 * 5 * 34 * 34 * 2) / 10);
  const manifest = JSON.parse(readFileSync(join(shards(cache), 'manifest.json'), 'utf8'));
  expect(manifest).toMatchObject({
    format: 2,
    source: { dataset: 'nmnist', split: 'train' },
    settings: { frames: 5, splitBy: 'number' },
    files: 600,
    bytes: 600 * 500,
    samples: 600,
    skipped: [],
  });
  expect(manifest.shards[0].sha256).toMatch(/^[0-9a-f]{64}$/);
});

test('a place where frames cannot be kept is named, with what to do', async () => {
  const file = fresh();
  writeFileSync(file, '');
  await expect(open(file)).rejects.toThrow(
    /^cannot cache frames in .*train-5-number \(set cache to another folder or false\): ENOTDIR/,
  );
});

test('each setting has its own, wide counts too', async () => {
  const cache = fresh();
  const one = { split: 'train', root, cache, partial: true, frames: 1, splitBy: 'time' } as const;
  const { shape } = await (await nmnist(one)).read(0);
  expect(shape).toEqual([1, 34, 34, 2]);
  const long = await nmnist({ split: 'train', root, cache, partial: true, duration: 900 });
  expect((await long.read(0)).shape[0]).toBeGreaterThan(1);
  expect(readdirSync(cache).sort()).toEqual(['train-1-time', 'train-900us']);

  const busy = join(directory, 'busy'); // 300 and 70,000 events at one pixel
  for (const [digit, count] of [300, 70_000, ...Array(8).fill(1)].entries()) {
    const record = [3, 4, 0, 0, 0];
    write(busy, `Test/${digit}/0.bin`, Uint8Array.from(Array(count).fill(record).flat()));
  }
  const dense = await nmnist({ ...one, split: 'test', root: busy, cache: join(busy, 'frames') });
  const largest = async (i: number) => Math.max(...(await dense.read(i)).data);
  expect([await largest(0), await largest(1), await largest(2)]).toEqual([300, 70_000, 1]);
});

test.each<[string, (folder: string) => void]>([
  ['a shard is cut', (folder) => truncateSync(join(folder, 'shard-00001.bin'), 5000)],
  ['a shard is empty', (folder) => truncateSync(join(folder, 'shard-00002.bin'), 0)],
  ['a shard is gone', (folder) => rmSync(join(folder, 'shard-00001.bin'))],
  [
    'a shard is longer',
    (folder) => writeFileSync(join(folder, 'shard-00000.bin'), 'x', { flag: 'a' }),
  ],
  ['the manifest is gone', (folder) => rmSync(join(folder, 'manifest.json'))],
  [
    'the manifest is no JSON',
    (folder) => writeFileSync(join(folder, 'manifest.json'), '{"format": 1,'),
  ],
  [
    'the manifest has shards of another type',
    (folder) => {
      const path = join(folder, 'manifest.json');
      const manifest = JSON.parse(readFileSync(path, 'utf8'));
      writeFileSync(path, JSON.stringify({ ...manifest, shards: [null, { file: 5 }] }));
    },
  ],
  [
    'a byte of a header has changed',
    (folder) => {
      const path = join(folder, 'shard-00001.bin');
      const bytes = readFileSync(path);
      bytes[20] ^= 1;
      writeFileSync(path, bytes);
    },
  ],
  [
    'it is of another version',
    (folder) => {
      const path = join(folder, 'manifest.json');
      const manifest = JSON.parse(readFileSync(path, 'utf8'));
      writeFileSync(path, JSON.stringify({ ...manifest, format: 0 }));
      for (const i of [0, 1, 2]) {
        const shard = join(folder, `shard-0000${i}.bin`);
        const bytes = readFileSync(shard);
        bytes.write('SPKFRM0\n', 'latin1');
        writeFileSync(shard, bytes);
      }
    },
  ],
  [
    'a byte has changed and the manifest is gone',
    (folder) => {
      rmSync(join(folder, 'manifest.json'));
      const path = join(folder, 'shard-00001.bin');
      const bytes = readFileSync(path);
      bytes[bytes.length - 9] ^= 1;
      writeFileSync(path, bytes);
    },
  ],
])('%s: it is made whole again', async (_, damage) => {
  const cache = fresh();
  await open(cache);
  damage(shards(cache));
  const [{ problems }] = await checkFramesCaches(cache);
  expect(problems.length).toBeGreaterThan(0);
  await expectWhole(cache);
  expect(await expectWhole(cache)).toBe(0);
});

test('a byte that changes later is refused when its sample is read, and found by the check', async () => {
  const cache = fresh();
  await open(cache);
  const path = join(shards(cache), 'shard-00002.bin');
  const bytes = readFileSync(path);
  bytes[bytes.length - 9] ^= 1;
  writeFileSync(path, bytes);
  const cached = await open(cache);
  await expect(cached.read(599)).rejects.toThrow(
    /Train\/9\/00599.bin in .*shard-00002.bin must have SHA-256 .* delete it to have its frames made again/,
  );
  expect((await cached.read(0)).label).toBe(0);
  expect(await checkFramesCaches(cache)).toEqual([
    { path: shards(cache), problems: [expect.stringMatching(/^shard-00002.bin is damaged/)] },
  ]);
  rmSync(path);
  await expectWhole(cache);
});

test('a recording that was exchanged makes the frames anew', async () => {
  const cache = fresh();
  const other = join(directory, 'exchanged');
  writeNMnist(other, 1);
  const options = { ...setting, root: other, cache };
  const before = await (await nmnist(options)).read(2);
  write(other, 'Train/2/00002.bin', Uint8Array.of(1, 1, 0, 0, 9));
  const { data } = await (await nmnist(options)).read(2);
  expect(before.data).not.toEqual(data);
  expect(sum(data)).toBe(1);
});

test('a damaged recording is an error, or skipped and listed when asked for', async () => {
  const cache = fresh();
  const other = join(directory, 'damaged');
  writeNMnist(other, 1);
  write(other, 'Train/3/00003.bin', Uint8Array.of(1, 1, 0));
  write(other, 'Train/6/00006.bin', new Uint8Array(0));
  const options = { ...setting, root: other, cache };
  await expect(nmnist(options)).rejects.toThrow(/^Train\/3\/00003.bin: .*whole records of 5 bytes/);
  expect(readdirSync(shards(cache))).toEqual([]);
  const some = await nmnist({ ...options, damaged: 'skip' });
  expect(some.length).toBe(8);
  expect(some.skipped.map(({ name }) => name)).toEqual(['Train/3/00003.bin', 'Train/6/00006.bin']);
  expect(some.skipped[1].reason).toMatch(/must hold events, but holds none/);
  const labels = await Promise.all(
    [0, 1, 2, 3, 4, 5, 6, 7].map(async (i) => (await some.read(i)).label),
  );
  expect(labels).toEqual([0, 1, 2, 4, 5, 7, 8, 9]);
  expect((await some.readEvents(3)).t.length).toBe(100);
  await expect(nmnist(options)).rejects.toThrow(/00003.bin/); // what was skipped is no answer here
  for (let i = 0; i < 10; i++) write(other, `Train/${i}/0000${i}.bin`, new Uint8Array(3));
  await expect(nmnist({ ...options, damaged: 'skip' })).rejects.toThrow(
    /all 10 recordings of nmnist/,
  );
});

test('which recordings were left out is part of the fingerprint', async () => {
  const fingerprint = async (damaged: string) => {
    const other = join(directory, `damaged ${damaged}`);
    writeNMnist(other, 1);
    for (const i of [3, 6]) {
      // One event of 5 bytes: at (1, 1), or outside the sensor.
      const x = `${i}` === damaged ? 200 : 1;
      write(other, `Train/${i}/0000${i}.bin`, Uint8Array.of(x, 1, 0, 0, 1));
    }
    const source = await nmnist({ ...setting, root: other, cache: fresh(), damaged: 'skip' });
    expect(source.skipped.map(({ name }) => name[6])).toEqual([damaged]);
    return source.fingerprint;
  };
  expect(await fingerprint('3')).not.toBe(await fingerprint('6'));
});

test.each(['write', 'sync'] as const)(
  'a full disk (%s fails) is an error, and nothing half-written stays',
  async (call) => {
    const cache = fresh();
    const openFile = fs.open;
    let writers = 0;
    jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
      const handle = await openFile(...args);
      if (args[1] === 'wx' && ++writers === 2) {
        const full = Object.assign(new Error('ENOSPC: no space left on device'), {
          code: 'ENOSPC',
        });
        handle[call] = () => Promise.reject(full);
      }
      return handle;
    });
    await expect(open(cache)).rejects.toThrow(/cannot write .*shard-00001.bin: ENOSPC/);
    jest.restoreAllMocks();
    expect(readdirSync(shards(cache))).toEqual(['shard-00000.bin']);
    expect(await expectWhole(cache)).toBeLessThan(400); // the first shard was kept
  },
);

test('stopped by a signal, it goes on where it was', async () => {
  const cache = fresh();
  const controller = new AbortController();
  const stop = (done: number) => done === 300 && controller.abort(new Error('stopped'));
  await expect(open(cache, { onProgress: stop, signal: controller.signal })).rejects.toThrow(
    'stopped',
  );
  expect(readdirSync(shards(cache))).toEqual(['shard-00000.bin']);
  expect(await expectWhole(cache)).toBeLessThan(400);
});

test('killed at any moment, it goes on and is whole', async () => {
  const cache = fresh();
  const script = `
    import { nmnist } from 'tfjs-spikingformer/node';
    const [root, cache] = process.argv.slice(1);
    console.log('begins');
    await nmnist({ root, cache, split: 'train', frames: 5, splitBy: 'number', partial: true });
    console.log('done');`;
  const kills = await killUntilDone(script, [root, cache], 2, () => {
    const names = existsSync(shards(cache)) ? readdirSync(shards(cache)) : [];
    for (const name of names) {
      expect(name).toMatch(/^(shard-0000\d\.bin|manifest\.json|\..*\.tmp)$/);
    }
  });
  expect(kills).toBeGreaterThan(1);
  const old = new Date(Date.now() - 2 * 3_600_000);
  for (const name of readdirSync(shards(cache)).filter((each) => each.endsWith('.tmp'))) {
    utimesSync(join(shards(cache), name), old, old);
  }
  rmSync(join(shards(cache), 'manifest.json')); // so that it is written, and the leftovers cleared
  expect(await expectWhole(cache)).toBe(0);
});
