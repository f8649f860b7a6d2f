/** CIFAR10-DVS, N-MNIST and DVS128 Gesture: splits, order, labels, cutting, and what is wrong with folders. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { cutEvents, eventsToFrames, readAedat2, readAedat31, readNMnist } from '../../../datasets';
import { cifar10dvs, datasetEntry, dvs128Gesture, nmnist } from '../../../node/datasets';
import '../../support/backends';
import { temporaryDirectory } from '../../support/process';
import { sum, write, writeCifar10Dvs, writeGestures, writeNMnist } from './recordings';

const directory = temporaryDirectory();
const setting = { frames: 4, splitBy: 'number', cache: false } as const;
const { classNames } = datasetEntry('cifar10dvs').info;

beforeAll(() => tf.setBackend('cpu'));

describe('cifar10dvs', () => {
  const root = join(directory, 'cifar10dvs');
  beforeAll(() => writeCifar10Dvs(root, classNames, 11));

  test('nine of ten of each class train, sorted as text; the rest tests', async () => {
    const options = { ...setting, root, partial: true };
    const train = await cifar10dvs({ ...options, split: 'train' });
    const test = await cifar10dvs({ ...options, split: 'test' });
    expect([train.length, test.length]).toEqual([100, 10]);
    expect([train.name, train.split, train.classNames]).toEqual([
      'cifar10dvs',
      'train',
      classNames,
    ]);
    // 0, 1, 10, 2, ... 8 train, 9 tests
    const events = async (path: string) =>
      readAedat2(readFileSync(join(root, path)), { sensor: 'dvs128', axes: 'cifar10dvs' });
    expect(await train.readEvents(2)).toEqual(await events('airplane/cifar10_airplane_10.aedat'));
    expect(await test.readEvents(3)).toEqual(await events('cat/cifar10_cat_9.aedat'));
    const { data, shape, label } = await test.read(9);
    const truck = await events('truck/cifar10_truck_9.aedat');
    expect({ data, shape }).toEqual(eventsToFrames(truck, { frames: 4, splitBy: 'number' }));
    expect(label).toBe(9);
    const all = await Promise.all(Array.from({ length: 100 }, (_, i) => train.read(i)));
    expect(all.map((sample) => sample.label)).toEqual(all.map((_, i) => Math.floor(i / 10)));
  });

  test('as a tf.data.Dataset of known length', async () => {
    const test = await cifar10dvs({ ...setting, root, partial: true, split: 'test' });
    const dataset = test.toTfDataset();
    expect([dataset.size, dataset.batch(4).size, dataset.batch(4, false).size]).toEqual([10, 3, 2]);
    const batches = (await dataset.batch(4).toArray()) as unknown as {
      xs: tf.Tensor;
      ys: tf.Tensor;
    }[];
    expect(batches.map(({ xs }) => xs.shape)).toEqual([4, 4, 2].map((n) => [n, 4, 128, 128, 2]));
    const classes = batches.flatMap(({ ys }) => [...ys.argMax(-1).dataSync()]);
    expect(classes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(batches[0].xs.slice([1], [1]).dataSync()).toEqual((await test.read(1)).data);
    expect(() => test.toTfDataset({ normalize: true })).toThrow(/cifar10dvs has none/);
  });

  test('an incomplete folder is an error unless it is asked for', async () => {
    await expect(cifar10dvs({ ...setting, root, split: 'train' })).rejects.toThrow(
      /train split of cifar10dvs must have 9000 samples, but has 100 in .*partial: true/,
    );
    const empty = join(directory, 'empty');
    await expect(cifar10dvs({ ...setting, root: empty, split: 'train' })).rejects.toThrow(
      /cifar10dvs must have the folder airplane in .*empty, but they are missing: `npx spikingformer datasets prepare/,
    );
    for (const name of classNames) write(empty, `${name}/readme.txt`, 'no recording');
    const options = { ...setting, root: empty, partial: true, split: 'test' } as const;
    await expect(cifar10dvs(options)).rejects.toThrow(/must have 1000 samples, but has 0/);
  });

  test.each<[object, RegExp]>([
    [{ split: 'val' }, /split must be one of 'train', 'test', but got 'val'/],
    [{ frame: 4 }, /cifar10dvs has no option 'frame'/],
    [{ frames: 0 }, /frames must be an integer from 1/],
    [{ splitBy: 'time', duration: 5 }, /duration or frames and splitBy, but have both/],
    [{ cache: '' }, /cache must be the path of a folder or false/],
    [{ damaged: 'ignore' }, /damaged must be one of 'error', 'skip'/],
    [{ damaged: 'skip' }, /needs the cache/],
    [{ partial: 1 }, /partial must be true or false/],
    [{ root: 3 }, /root must be the path of a folder/],
  ])('refuses %j', async (options, message) => {
    const all = { ...setting, root, split: 'train', partial: true, ...options } as never;
    await expect((async () => cifar10dvs(all))()).rejects.toThrow(message);
  });

  test('an index that is none, a damaged recording', async () => {
    const folder = join(directory, 'damaged');
    writeCifar10Dvs(folder, classNames, 2);
    const path = 'bird/cifar10_bird_1.aedat';
    write(folder, path, readFileSync(join(folder, path)).subarray(0, -3));
    const test = await cifar10dvs({ ...setting, root: folder, partial: true, split: 'train' });
    expect(test.length).toBe(20);
    for (const index of [-1, 20, 0.5]) {
      await expect((async () => test.read(index))()).rejects.toThrow(RangeError);
      await expect((async () => test.readEvents(index))()).rejects.toThrow(RangeError);
    }
    await expect(test.read(5)).rejects.toThrow(/bird\/cifar10_bird_1.aedat: .*whole records/);
  });
});

test('nmnist: folders of digits in Train and Test', async () => {
  const root = join(directory, 'nmnist');
  writeNMnist(root, 2);
  const test = await nmnist({
    root,
    split: 'test',
    frames: 3,
    splitBy: 'time',
    cache: false,
    partial: true,
  });
  expect([test.length, test.classNames.length]).toEqual([20, 10]);
  const { shape, label } = await test.read(7);
  expect([shape, label]).toEqual([[3, 34, 34, 2], 3]);
  const file = readFileSync(join(root, 'Test/3/00013.bin'));
  expect(await test.readEvents(7)).toEqual(readNMnist(file));
});

describe('dvs128Gesture', () => {
  const root = join(directory, 'gestures');
  beforeAll(() => writeGestures(root));
  const options = { ...setting, root, partial: true };

  test('gestures of the official lists, cut by the csv, overlapping as they are', async () => {
    const train = await dvs128Gesture({ ...options, split: 'train' });
    const test = await dvs128Gesture({ ...options, split: 'test' });
    expect([train.length, test.length]).toEqual([6, 3]);
    const whole = readAedat31(readFileSync(join(root, 'user02_lab.aedat')), { invalid: 'keep' });
    expect(await train.readEvents(4)).toEqual(cutEvents(whole, 2000, 3200));
    expect((await train.readEvents(5)).t[0]).toBe(3000);
    const labels = await Promise.all([3, 4, 5].map(async (i) => (await train.read(i)).label));
    expect(labels).toEqual([0, 8, 10]);
    const total = await Promise.all(
      [3, 4, 5].map(async (i) => (await train.readEvents(i)).t.length),
    );
    expect(total).toEqual([100, 120, 90]); // events whose valid bit is 0 are among them
    expect(train.classNames[8]).toBe('air drums');
  });

  test('a list, a csv or a recording that is missing or wrong is named', async () => {
    const broken = join(directory, 'broken');
    const open = (more = {}) =>
      dvs128Gesture({ ...options, root: broken, split: 'train', ...more });
    writeGestures(broken);
    await expect(open({ partial: false })).rejects.toThrow(/must have 1176 samples, but has 6/);
    write(broken, 'user02_lab_labels.csv', 'class,startTime_usec,endTime_usec\n12,1,2\n');
    await expect(open()).rejects.toThrow(/user02_lab_labels.csv: line 2 .* class from 1 to 11/);
    rmSync(join(broken, 'user02_lab_labels.csv'));
    await expect(open()).rejects.toThrow(/must have user02_lab_labels.csv in/);
    writeGestures(broken);
    rmSync(join(broken, 'user02_lab.aedat'));
    await expect(open({ partial: false })).rejects.toThrow(/must have user02_lab.aedat in/);
    expect((await open()).length).toBe(3); // partial takes what is there
    write(broken, 'trials_to_train.txt', '../../etc/passwd\n');
    await expect(open()).rejects.toThrow(/a line of trials_to_train.txt must be a name such as/);
    rmSync(join(broken, 'trials_to_train.txt'));
    await expect(open()).rejects.toThrow(/must have trials_to_train.txt in/);
  });

  test('a gesture without events is a damaged sample', async () => {
    const folder = join(directory, 'silent');
    writeGestures(folder);
    write(folder, 'user29_led_labels.csv', 'class,startTime_usec,endTime_usec\n2,90000,90001\n');
    const test = await dvs128Gesture({ ...options, root: folder, split: 'test' });
    await expect(test.read(0)).rejects.toThrow(
      /user29_led.aedat from 90000 to 90001: a cut must hold events/,
    );
  });
});

const data = join(process.env.SPIKINGFORMER_TEST_DATA ?? '', 'events');
const present = Boolean(process.env.SPIKINGFORMER_TEST_DATA) && existsSync(data);
const skipped = ' (skipped: SPIKINGFORMER_TEST_DATA names no folder with events)';
(present ? test : test.skip)(
  `real recordings in their folders${present ? '' : skipped}`,
  async () => {
    const root = join(directory, 'real');
    const names = readFileSync(join(data, 'nmnist-small/train1K.txt'), 'utf8');
    const rows = names
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t').map(Number));
    for (const [number, digit] of rows) {
      const bytes = readFileSync(join(data, `nmnist-small/${number}.bs2`));
      write(root, `Train/${digit}/${String(number).padStart(5, '0')}.bin`, bytes);
    }
    const train = await nmnist({
      root,
      split: 'train',
      frames: 10,
      splitBy: 'number',
      partial: true,
    });
    expect(train.length).toBe(rows.length);
    let events = 0;
    for (let i = 0; i < train.length; i++) {
      const { data, label } = await train.read(i);
      events += sum(data);
      expect(label).toBe(rows.map(([, digit]) => digit).sort()[i]);
    }
    const counted = readdirSync(join(root, 'Train'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.bin'))
      .reduce((sum, name) => sum + readFileSync(join(root, 'Train', name)).length / 5, 0);
    expect(events).toBe(counted);

    const cameras = join(directory, 'dvs128');
    for (const name of classNames) {
      write(
        cameras,
        `${name}/cifar10_${name}_0.aedat`,
        readFileSync(join(data, 'dvs128/Caixa.aedat')),
      );
    }
    const some = await cifar10dvs({
      root: cameras,
      split: 'train',
      frames: 16,
      splitBy: 'time',
      partial: true,
    });
    const { data: frames, shape } = await some.read(3);
    expect(shape).toEqual([16, 128, 128, 2]);
    expect(sum(frames)).toBe(201_523);
  },
);
