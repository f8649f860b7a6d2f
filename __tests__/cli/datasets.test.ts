/** `spikingformer datasets`: list, prepare, check and show, and asking wrongly. */
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contactSheet } from '../../cli/_contact_sheet';
import { datasetEntry } from '../../node/datasets';
import { readRgbPng } from '../../node/files/png';
import { writeCifar10Dvs } from '../node/datasets/recordings';
import { runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const cli = (...args: string[]) =>
  runFile('cli/index.ts', ['datasets', ...args], { SPIKINGFORMER_DATA: directory });

test('list names each data set, its home and its terms', () => {
  const { status, stdout } = cli('list');
  expect(status).toBe(0);
  for (const name of [
    'mnist',
    'cifar10',
    'cifar100',
    'imagenet',
    'nmnist',
    'cifar10dvs',
    'dvs128gesture',
    'ratedsentences',
  ]) {
    expect(stdout).toMatch(new RegExp(`^${name} +\\S`, 'm'));
  }
  const all = JSON.parse(cli('list', '--json').stdout);
  expect(all[0]).toMatchObject({ name: 'mnist', folder: join(directory, 'mnist') });
});

test('prepare, check and show, in the folder of SPIKINGFORMER_DATA', () => {
  expect(cli('prepare', 'mnist')).toMatchObject({
    status: 0,
    stdout: `mnist is in ${join(directory, 'mnist')}\n`,
  });
  const good = cli('check', 'mnist');
  expect(good.stdout).toMatch(
    /60000 samples to train, 10000 to test\n4 files have .*\nno problems found\n$/,
  );
  expect(good.status).toBe(0);
  const out = join(directory, 'sheet.html');
  expect(cli('show', 'mnist', '--count', '2', '--split', 'test', '--out', out).status).toBe(0);
  expect(readFileSync(out, 'utf8').match(/<section>/g)).toHaveLength(2);
  truncateSync(join(directory, 'mnist/t10k-images-idx3-ubyte'), 9);
  const bad = cli('check', 'mnist');
  expect(bad.stdout).toMatch(/problem: t10k-images-idx3-ubyte must have sha256/);
  expect(bad.status).toBe(1);
  expect(JSON.parse(cli('check', 'mnist', '--json').stdout).problems.length).toBeGreaterThan(0);
});

test('a home that is none, and a folder that cannot be made: the error names SPIKINGFORMER_DATA', () => {
  const none = { SPIKINGFORMER_DATA: '', XDG_CACHE_HOME: '', HOME: '' };
  const homeless = runFile('cli/index.ts', ['datasets', 'prepare', 'mnist'], none);
  expect(homeless.stderr).toMatch(/^error: the home folder .* got '': .*SPIKINGFORMER_DATA.*\n$/);
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const closed = runFile('cli/index.ts', ['datasets', 'prepare', 'mnist'], {
    SPIKINGFORMER_DATA: file,
  });
  expect(closed.stderr).toMatch(/^error: cannot store data in .*SPIKINGFORMER_DATA.*ENOTDIR.*\n$/);
  expect([homeless.status, closed.status]).toEqual([1, 1]);
});

test('what a person has to fetch is said in one line', () => {
  const { status, stderr } = cli('prepare', 'dvs128gesture');
  expect(stderr).toMatch(
    /^error: DVS128 Gesture .* get DvsGesture.tar.gz \(md5 \w{32}\) from https.*put it into .*\n$/,
  );
  expect(status).toBe(1);
});

test('a name that is none is a usage error: one line, status 2', () => {
  const { status, stderr } = cli('check', 'mist');
  expect(stderr).toMatch(
    /^error: name must be a data set, one of mnist, .* \(Did you mean mnist\?\)\n$/,
  );
  expect(status).toBe(2);
});

test.each<[string[], RegExp]>([
  [['show', 'mnist', '--split', 'val'], /--split must be one of train, test, but got 'val'/],
  [
    ['show', 'mnist', '--count', '0'],
    /--count must be a whole number, from 1 to 9999, but got '0'/,
  ],
  [['prepare', 'mnist', '--frames', '4'], /mnist has images: there are no frames to make/],
  [['prepare', 'nmnist', '--frames', 'x'], /--frames must be a whole number, 1 or more/],
  [['prepare', 'nmnist', '--split-by', 'time'], /--split-by and --skip-damaged need --frames/],
  [['prepare', 'nmnist', '--split-by', 'x'], /--split-by must be one of number, time/],
  [
    ['prepare', 'nmnist', '--frames', '4', '--duration', '9'],
    /--duration and --frames must not be given together/,
  ],
])('%j is a usage error: one line, status 2', (args, message) => {
  const { status, stdout, stderr } = cli(...args);
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});

test('a sheet of events: pictures that decode, names escaped', async () => {
  const entry = datasetEntry('cifar10dvs');
  const root = join(directory, 'a <b> & "c"');
  mkdirSync(root);
  writeCifar10Dvs(root, entry.info.classNames, 1);
  const options = { split: 'train', root, count: 3, seed: 1, frames: 4 } as const;
  const html = await contactSheet(entry, options);
  expect(html).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
  const pictures = [...html.matchAll(/base64,([A-Za-z0-9+/=]+)"/g)].map(([, data]) =>
    readRgbPng(Buffer.from(data, 'base64')),
  );
  expect(pictures.length).toBe(12);
  expect(pictures.slice(0, 2).map(({ width, height }) => [width, height])).toEqual([
    [320, 128],
    [4 * 129 - 1, 128],
  ]);
  expect(await contactSheet(entry, options)).toBe(html); // by its seed
  expect(await contactSheet(entry, { ...options, seed: 2 })).not.toBe(html);
});

test('part of ImageNet: named as missing, refused, or taken with --partial', () => {
  const data = join(directory, 'part');
  const check = (...more: string[]) => cli('check', 'imagenet', '--data', data, ...more);
  expect(check().stdout).toMatch(
    /problem: imagenet must have the folder train in .*part, but they are missing: .*datasets prepare imagenet/,
  );
  for (const split of ['train', 'val']) {
    mkdirSync(join(data, split, 'n01440764'), { recursive: true });
    copyFileSync('__tests__/fixtures/images/g16.png', join(data, split, 'n01440764', 'one.png'));
  }
  expect(check().stdout).toContain('partial: true accepts that');
  const { status, stdout } = check('--partial');
  expect(stdout).toContain('1 samples to train, 1 to test');
  expect(status).toBe(0);
});
