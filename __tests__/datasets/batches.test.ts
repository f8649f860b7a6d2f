/** Order, transforms and batches: the same for one seed, epoch and index. */
import {
  type Batch,
  type BatchOptions,
  batches,
  DatasetError,
  memorySource,
  type Sample,
  type SampleSource,
  trainTransforms,
} from 'tfjs-spikingformer/datasets';
import { numberedSource } from './numbered_source';

async function all(source: SampleSource, options: BatchOptions): Promise<Batch[]> {
  const made: Batch[] = [];
  for await (const batch of batches(source, options)) made.push(batch);
  return made;
}

const indicesOf = (made: Batch[]) => made.map(({ indices }) => Array.from(indices));

describe('memorySource', () => {
  test('reads copies, before and after it is shared', () => {
    const source = numberedSource(5);
    const before = source.read(3) as Sample;
    expect(before).toEqual({ data: new Uint8Array(12).fill(3), shape: [2, 2, 3], label: 3 });
    before.data.fill(9);
    const { options } = source.workerSpec!;
    const { data } = options as { data: Uint8Array };
    expect(data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect((source.workerSpec!.options as { data: Uint8Array }).data.buffer).toBe(data.buffer);
    const after = source.read(3) as Sample;
    expect(after).toEqual({ data: new Uint8Array(12).fill(3), shape: [2, 2, 3], label: 3 });
    expect(after.data.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('refuses what does not fit', () => {
    const samples = { name: 'x', split: 'train', shape: [2], classNames: ['a'] };
    expect(() =>
      memorySource({ ...samples, data: new Uint8Array(5), labels: new Uint8Array(2) }),
    ).toThrow('data must hold 2 samples of shape [2], one per label, but has 5 values');
    expect(() =>
      memorySource({ ...samples, data: new Uint8Array(4), labels: Uint8Array.of(0, 1) }),
    ).toThrow('label of sample 1 must be from 0 to 0, but got 1');
    for (const index of [-1, 5, 0.5]) {
      expect(() => numberedSource(5).read(index)).toThrow(
        new RangeError(`index must be an integer from 0 to 4, but got ${index}`),
      );
    }
  });
});

describe('batches', () => {
  const source = numberedSource(10);

  test('are in order, and the last is kept or dropped', async () => {
    const kept = await all(source, { batchSize: 4 });
    expect(indicesOf(kept)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(kept[2].shape).toEqual([2, 2, 2, 3]);
    expect(Array.from(kept[2].data)).toEqual([...new Array(12).fill(8), ...new Array(12).fill(9)]);
    expect(Array.from(kept[2].labels)).toEqual([8, 9]);
    expect(batches(source, { batchSize: 4 })).toHaveLength(3);
    expect(indicesOf(await all(source, { batchSize: 4, dropLast: true }))).toHaveLength(2);
  });

  test('shuffled by seed and epoch: each sample once, the same order again', async () => {
    const shuffled = async (seed: number, epoch: number) =>
      indicesOf(await all(source, { batchSize: 4, shuffle: true, seed, epoch })).flat();
    const first = await shuffled(1, 0);
    expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await shuffled(1, 0)).toEqual(first);
    expect(await shuffled(1, 1)).not.toEqual(first);
    expect(await shuffled(2, 0)).not.toEqual(first);
  });

  test('from startBatch on they are those of the whole epoch, augmentation included', async () => {
    const options = {
      ...{ batchSize: 3, shuffle: true, seed: 5, epoch: 2 },
      transform: trainTransforms({ size: 4, autoAugment: 'rand-m9-mstd0.5-inc1' }),
    };
    const whole = await all(source, options);
    expect(await all(source, { ...options, startBatch: 2 })).toEqual(whole.slice(2));
    expect(await all(source, { ...options, startBatch: 4 })).toEqual([]);
    expect(await all(source, { ...options, transform: options.transform.config })).toEqual(whole);
    expect(await all(source, { ...options, epoch: 3 })).not.toEqual(whole);
  });

  test('an iteration begins anew', async () => {
    const epoch = batches(source, { batchSize: 5 });
    for (let i = 0; i < 2; i++) {
      const seen: number[] = [];
      for await (const { indices } of epoch) seen.push(...indices);
      expect(seen).toHaveLength(10);
    }
  });

  describe('bad samples', () => {
    const damaged = (bad: number[]): SampleSource => ({
      ...numberedSource(6),
      read: async (index) => {
        if (bad.includes(index)) throw new DatasetError('the bytes are cut');
        return numberedSource(6).read(index);
      },
    });

    test('are errors that name them', async () => {
      await expect(all(damaged([4]), { batchSize: 3 })).rejects.toEqual(
        expect.objectContaining({
          name: 'DatasetError',
          message: 'sample 4 of numbered (train): the bytes are cut',
        }),
      );
    });

    test('are left out and counted where that is asked for', async () => {
      const epoch = batches(damaged([1, 4, 5]), { batchSize: 3, onBadSample: 'skip' });
      const made: Batch[] = [];
      for await (const batch of epoch) made.push(batch);
      expect(indicesOf(made)).toEqual([[0, 2], [3]]);
      expect(made.map(({ shape, data }) => [shape[0], data.length])).toEqual([
        [2, 24],
        [1, 12],
      ]);
      expect(epoch.skipped).toEqual([
        { index: 1, reason: 'the bytes are cut' },
        { index: 4, reason: 'the bytes are cut' },
        { index: 5, reason: 'the bytes are cut' },
      ]);
      for await (const _ of epoch) break;
      expect(epoch.skipped).toHaveLength(1);
    });

    test('are an error even so where nothing is left of a batch, or the fault is not theirs', async () => {
      await expect(all(damaged([3, 4, 5]), { batchSize: 3, onBadSample: 'skip' })).rejects.toThrow(
        'sample 3 of numbered (train): the bytes are cut (and so on',
      );
      const faulty = { ...numberedSource(3), read: () => Promise.reject(new TypeError('oh')) };
      await expect(all(faulty, { batchSize: 3, onBadSample: 'skip' })).rejects.toThrow(
        'sample 0 of numbered (train): oh',
      );
    });

    test('are those of another shape', async () => {
      const odd: SampleSource = {
        ...numberedSource(4),
        read: (i) => ({
          data: new Uint8Array(i === 2 ? 3 : 6),
          shape: [i === 2 ? 1 : 2, 3],
          label: 0,
        }),
      };
      await expect(all(odd, { batchSize: 4 })).rejects.toThrow(
        'sample 2 of numbered (train): a batch must be of one shape and type, but it is Uint8Array ' +
          '[1,3] and sample 0 is Uint8Array [2,3]; a transform can resize them',
      );
    });
  });

  test.each<[string, object]>([
    ['batchSize must be a positive integer, but got 0', { batchSize: 0 }],
    ['epoch must be an integer, 0 or more, but got -1', { batchSize: 1, epoch: -1 }],
    ['seed must be a safe integer, but got 0.5', { batchSize: 1, seed: 0.5 }],
    ['startBatch must be an integer from 0 to 3', { batchSize: 4, startBatch: 4 }],
    ["onBadSample must be one of 'throw', 'skip'", { batchSize: 4, onBadSample: 'ignore' }],
    ["batches has no option 'size'", { batchSize: 4, size: 3 }],
    ["name must be one of 'train', 'eval', 'events'", { batchSize: 4, transform: { name: 'x' } }],
  ])('throws: %s', (message, options) => {
    expect(() => batches(source, options as BatchOptions)).toThrow(message);
  });
});
