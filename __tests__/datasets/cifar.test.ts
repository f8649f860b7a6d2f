/** CIFAR's binary files: planes become pixels, labels stay within their classes. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { DatasetError, readCifar10, readCifar100 } from '../../datasets';

const PIXELS = 3072;
const cifar10 = fc
  .array(fc.tuple(fc.nat(9), fc.uint8Array({ minLength: PIXELS, maxLength: PIXELS })), {
    minLength: 1,
    maxLength: 3,
  })
  .map((records) => ({
    records,
    file: Uint8Array.from(records.flatMap(([label, pixels]) => [label, ...pixels])),
  }));

test('CIFAR-10: pixel (y, x, channel) comes from its plane', () => {
  fc.assert(
    fc.property(cifar10, fc.nat(31), fc.nat(31), fc.nat(2), ({ records, file }, y, x, channel) => {
      const { images, shape, labels } = readCifar10(file);
      expect(shape).toEqual([records.length, 32, 32, 3]);
      expect(images.length).toBe(records.length * PIXELS);
      records.forEach(([label, planes], i) => {
        expect(labels[i]).toBe(label);
        const pixel = images[((i * 32 + y) * 32 + x) * 3 + channel];
        expect(pixel).toBe(planes[channel * 1024 + y * 32 + x]);
      });
    }),
    { numRuns: 30 },
  );
});

test('CIFAR-100: coarse label first, then fine', () => {
  const file = new Uint8Array(2 * (PIXELS + 2));
  file.set([19, 99, 1, 2]);
  file.set([3, 42], PIXELS + 2);
  const { images, shape, labels, coarseLabels } = readCifar100(file.buffer);
  expect(shape).toEqual([2, 32, 32, 3]);
  expect([...labels]).toEqual([99, 42]);
  expect([...coarseLabels]).toEqual([19, 3]);
  expect([images[0], images[3]]).toEqual([1, 2]);
});

test('refuses files that are cut or padded, and labels that are no class', () => {
  const record = new Uint8Array(PIXELS + 1);
  const cut = () => readCifar10(record.subarray(1));
  expect(cut).toThrow(DatasetError);
  expect(cut).toThrow(
    /records of 3073 bytes, at least one, but has 3072 bytes: 0 records and 3072 bytes/,
  );
  expect(() => readCifar10(new Uint8Array(0))).toThrow(/at least one.*has 0 bytes/);
  expect(() => readCifar10(new Uint8Array(3073 * 2 + 1))).toThrow(/2 records and 1 bytes/);
  expect(() => readCifar100(record)).toThrow(/records of 3074 bytes/);
  expect(() => readCifar10(null as never)).toThrow(DatasetError);

  const two = new Uint8Array(2 * 3073);
  two[3073] = 10;
  expect(() => readCifar10(two)).toThrow(
    'label of CIFAR-10 record 1 must be from 0 to 9, but got 10',
  );
  const coarse = Uint8Array.from({ length: 3074 }, (_, i) => (i === 0 ? 20 : 0));
  expect(() => readCifar100(coarse)).toThrow('record 0 must be from 0 to 19, but got 20');
  const fine = Uint8Array.from({ length: 3074 }, (_, i) => (i === 1 ? 100 : 0));
  expect(() => readCifar100(fine)).toThrow('record 0 must be from 0 to 99, but got 100');
});

test('mutated files are read or refused', () => {
  fc.assert(
    fc.property(
      cifar10,
      fc.array(fc.tuple(fc.nat(9000), fc.nat(255)), { maxLength: 3 }),
      fc.integer({ min: -2, max: 2 }),
      ({ file }, sets, resize) => {
        const bytes = new Uint8Array(file.length + resize);
        bytes.set(file.subarray(0, bytes.length));
        for (const [at, byte] of sets) bytes[at % bytes.length] = byte;
        const whole = bytes.length % 3073 === 0 && bytes.length > 0;
        const classes = bytes.every((byte, i) => i % 3073 !== 0 || byte < 10);
        if (whole && classes) expect(readCifar10(bytes).labels.length).toBe(bytes.length / 3073);
        else expect(() => readCifar10(bytes)).toThrow(DatasetError);
      },
    ),
    { numRuns: 50 },
  );
});

const folder = path.join(process.env.SPIKINGFORMER_TEST_DATA ?? '', 'cifar100');
const present = Boolean(process.env.SPIKINGFORMER_TEST_DATA) && existsSync(folder);
(present ? test : test.skip)(
  `real CIFAR-100 records${present ? '' : ' (skipped: SPIKINGFORMER_TEST_DATA names no folder with cifar100)'}`,
  () => {
    const { shape, labels, coarseLabels } = readCifar100(
      readFileSync(path.join(folder, 'train-5000.bin')),
    );
    expect(shape).toEqual([5000, 32, 32, 3]);
    const perClass = new Array(100).fill(0);
    for (const label of labels) perClass[label]++;
    expect(perClass).toEqual(new Array(100).fill(50));
    // Every fine class has one coarse class, and every coarse class five fine ones.
    const pairs = new Set([...labels].map((fine, i) => fine * 20 + coarseLabels[i]));
    expect(pairs.size).toBe(100);
    const fineOf = new Array(20).fill(0);
    for (const pair of pairs) fineOf[pair % 20]++;
    expect(fineOf).toEqual(new Array(20).fill(5));
  },
);
