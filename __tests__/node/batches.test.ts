/** Worker threads make what this thread makes, and go when they are no longer needed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Batch,
  DatasetError,
  evalTransforms,
  eventTransforms,
  type Sample,
  type SampleSource,
  trainTransforms,
} from 'tfjs-spikingformer/datasets';
import { batches, type WorkerBatchOptions } from '../../node/batches';
import { cifar10DvsInfo, cifar10dvs } from '../../node/datasets/cifar10dvs';
import { numberedSource } from '../datasets/numbered_source';
import { runScript, scriptArgs, temporaryDirectory } from '../support/process';
import { writeCifar10Dvs } from './datasets/recordings';

const root = temporaryDirectory();

async function all(source: SampleSource, options: WorkerBatchOptions): Promise<Batch[]> {
  const made: Batch[] = [];
  for await (const batch of batches(source, options)) made.push(batch);
  return made;
}

/** A source whose workers have it from worker_source.mjs. */
function oddSource(options: object = {}, length = 12): SampleSource {
  const url = pathToFileURL(path.join(__dirname, 'worker_source.mjs')).href;
  return {
    ...{ name: 'odd', split: 'train', length, classNames: ['a'] },
    workerSpec: { name: url, options: { length, ...options } },
    read: (index): Sample => ({ data: Float32Array.of(index), shape: [1], label: 0 }),
  };
}

test('the same epoch to the byte, whatever the number of workers', async () => {
  const options = {
    ...{ batchSize: 5, shuffle: true, seed: 3, epoch: 4, startBatch: 1 },
    transform: trainTransforms({ size: 6, autoAugment: 'rand-m9-mstd0.5-inc1' }),
  };
  const source = numberedSource(32);
  const here = await all(source, options);
  expect(here).toHaveLength(6);
  for (const workers of [1, 3]) {
    expect(await all(source, { ...options, workers, prefetch: workers })).toEqual(here);
  }
});

test('floats, and a source from a module', async () => {
  const made = await all(oddSource(), { batchSize: 8, workers: 2 });
  expect(made.map(({ data }) => data)).toEqual([
    Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    Float32Array.of(8, 9, 10, 11),
  ]);
});

test('frames of events, which the threads find by the name of their data set', async () => {
  writeCifar10Dvs(root, cifar10DvsInfo.classNames, 2);
  const source = await cifar10dvs({
    ...{ split: 'train', root, partial: true, frames: 2, splitBy: 'number' },
  });
  const options = { batchSize: 6, shuffle: true, transform: eventTransforms() };
  const digest = async (workers: number) => {
    const hash = createHash('sha256');
    for (const { data, indices } of await all(source, { ...options, workers })) {
      hash.update(data).update(indices);
    }
    return hash.digest('hex');
  };
  expect(await digest(1)).toBe(await digest(0));
});

test('leaving the loop ends the threads', async () => {
  const epoch = batches(numberedSource(50), { batchSize: 2, workers: 2 });
  let count = 0;
  for await (const _ of epoch) if (++count === 3) break;
  expect(count).toBe(3);
  const again: number[] = [];
  for await (const { indices } of epoch) again.push(...indices);
  expect(again).toHaveLength(50);
});

test('threads that nobody waits for keep no process alive', () => {
  const script = `
    import { batches } from './node/batches';
    import { numberedSource } from './__tests__/datasets/numbered_source';
    const iterator = batches(numberedSource(100), { batchSize: 2, workers: 2 })[Symbol.asyncIterator]();
    console.log((await iterator.next()).value.indices.join());
  `;
  const { status, stdout, stderr } = runScript(script);
  expect(stderr).not.toMatch(/Error/);
  expect([status, stdout.trim()]).toEqual([0, '0,1']);
});

test('threads begin under options that Node refuses for files', () => {
  const script = `
    import { batches } from './node/batches';
    import { numberedSource } from './__tests__/datasets/numbered_source';
    for await (const { indices } of batches(numberedSource(2), { batchSize: 2, workers: 1 }))
      console.log(indices.join());
  `;
  const args = ['--input-type=module', ...scriptArgs(script)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: '0,1\n', stderr: '' });
});

test('threads begin without tfjs, which takes each of them half a second', () => {
  const loads = (module: string) =>
    runScript(`import '${module}'; console.log('_tfengine' in globalThis);`).stdout.trim();
  expect(loads('@tensorflow/tfjs')).toBe('true');
  expect(loads('./node/_worker_sources')).toBe('false');
});

describe('what goes wrong in a worker', () => {
  test('a bad sample is an error that names it', async () => {
    await expect(all(oddSource({ damaged: 7 }), { batchSize: 4, workers: 2 })).rejects.toThrow(
      new DatasetError('sample 7 of odd (train): it is cut'),
    );
    await expect(all(oddSource({ throws: 5 }), { batchSize: 4, workers: 1 })).rejects.toThrow(
      'sample 5 of odd (train): a bug',
    );
  });

  test('or is left out and counted', async () => {
    const options = { batchSize: 4, workers: 2, onBadSample: 'skip' } as const;
    const epoch = batches(oddSource({ damaged: 7 }), options);
    const seen: number[] = [];
    for await (const { indices } of epoch) seen.push(...indices);
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]);
    expect(epoch.skipped).toEqual([{ index: 7, reason: 'it is cut' }]);
  });

  test('a thread that dies is an error that names its sample', async () => {
    await expect(all(oddSource({ exits: 6 }), { batchSize: 4, workers: 1 })).rejects.toThrow(
      'a worker thread crashed at sample 6 of odd (train): it ended with status 3',
    );
  });

  test('so is a source that is another one there, or cannot be made', async () => {
    await expect(all(oddSource({ wrongLength: 3 }), { batchSize: 4, workers: 1 })).rejects.toThrow(
      'odd must have 12 samples in every thread, but has 3 in a worker',
    );
    const gone = { ...oddSource(), workerSpec: { name: 'file:///nowhere.mjs', options: {} } };
    await expect(all(gone, { batchSize: 4, workers: 1 })).rejects.toThrow(/nowhere\.mjs/);
    const unknown = { ...oddSource(), workerSpec: { name: 'nothing', options: {} } };
    await expect(all(unknown, { batchSize: 4, workers: 1 })).rejects.toThrow(/name must be one of/);
  });
});

test('what cannot go to another thread is refused', async () => {
  const source = numberedSource(4);
  expect(() =>
    batches(source, { batchSize: 2, workers: 1, transform: (sample) => sample }),
  ).toThrow(
    'transform must be made by a builder or be a configuration, since there are workers, but got a function',
  );
  const here = { ...oddSource(), workerSpec: undefined };
  await expect(all(here, { batchSize: 2, workers: 1 })).rejects.toThrow(
    'odd (train) has no workerSpec, so workers must be 0',
  );
  for (const wrong of [{ workers: 1.5 }, { workers: 1, prefetch: 0 }, { workers: -1 }]) {
    expect(() => batches(source, { batchSize: 2, ...wrong })).toThrow('must be a positive integer');
  }
  expect(() =>
    batches(source, {
      ...{ batchSize: 2, workers: 1 },
      transform: { name: 'eval', options: { size: 0 } },
    }),
  ).toThrow('size must be a positive integer, but got 0');
  const eager = { batchSize: 2, transform: evalTransforms({ size: 1, cropPct: 1 }) };
  expect(await all(source, { ...eager, workers: 1 })).toEqual(await all(source, eager));
});
