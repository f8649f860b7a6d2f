/** Samples of files as each data set's own description has them: statistics, axes, how events become frames. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { samplesOf } from '../../cli/_samples';
import { dataSets } from '../../datasets/data_sets';
import { aedat2File, dvs128Word } from '../datasets/event_files';
import '../support/backends';
import { temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const file = (name: string, bytes: Uint8Array) => {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
};

beforeAll(() => tf.setBackend('cpu'));

test('digits are normalized by the statistics of MNIST', () => {
  const header = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28];
  const path = file('t-images-idx3-ubyte', Uint8Array.from([...header, ...Array(784).fill(255)]));
  const { x, what } = samplesOf(path, [28, 28, 1], 1);
  expect(x.dataSync()[0]).toBeCloseTo((1 - 0.1307) / 0.3081, 5);
  expect(what).toMatch(/mnist, normalized/);
  x.dispose();
});

test.each([
  ['cifar10', 1],
  ['cifar100', 2],
] as const)('images of %s by its own statistics', (name, labels) => {
  const record = Uint8Array.from([...Array(labels).fill(0), ...Array(3072).fill(51)]);
  const path = file(`${name}.bin`, record);
  const { x } = samplesOf(path, [32, 32, 3], 1);
  const { mean, std } = dataSets[name];
  [0, 1, 2].forEach((c) => {
    expect(x.dataSync()[c]).toBeCloseTo((0.2 - mean[c]!) / std[c]!, 5);
  });
  x.dispose();
  expect(() => samplesOf(path, [32, 32, 3], 1, { name: 'cifar10dvs' })).toThrow(/cannot be read/);
});

test("a recording becomes frames as the run's recipe has it, axes as its data set has them", () => {
  const events = [0, 10, 20, 100].map((t, i) => ({ t, x: 3 + i, y: 90, p: 1 }));
  const path = file('a.aedat', aedat2File(events.map((event) => [dvs128Word(event), event.t])));
  const framesOf = (rules?: Parameters<typeof samplesOf>[3]) => {
    const { x, what } = samplesOf(path, [2, 128, 128, 2], 1, rules);
    const [, , , , ...rest] = x.shape;
    expect(rest).toEqual([2]);
    const perFrame = Array.from(x.sum([0, 2, 3, 4]).dataSync());
    const where = Array.from(x.sum([0, 1, 4]).flatten().dataSync()).findIndex((n) => n > 0);
    x.dispose();
    return { perFrame, where, what };
  };
  const plain = framesOf();
  const byTime = framesOf({ name: 'cifar10dvs', splitBy: 'time' });
  expect(plain.perFrame).toEqual([2, 2]);
  expect(byTime.perFrame).toEqual([3, 1]);
  expect(byTime.where).not.toBe(plain.where);
  expect(byTime.what).toMatch(/frames of equal times/);
});
