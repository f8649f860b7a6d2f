/** metrics.csv, steps.csv and TensorBoard's events on a disk that is full: named, and nothing half. */
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { csvObserver, tensorboardObserver } from '../../../node/runs/metrics_files';
import type { EpochReport, StepReport } from '../../../training/observer';
import { temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();
let count = 0;
const fresh = async () => {
  const folder = join(directory, `run${count++}`);
  await fs.mkdir(folder);
  return folder;
};
const start = { model: {} as never, epochs: 2, batchesPerEpoch: 2, history: [] };
const position = { epoch: 0, batch: 0, step: 0 };
const step = (n: number) => ({ ...position, step: n, loss: 1, accuracy: 0.5 }) as StepReport;
const epoch = { epoch: 0, trainLoss: 1, firingRates: {}, dead: [], saturated: [] } as never;
const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), {});
afterEach(() => jest.restoreAllMocks());

/** Files opened from here on take half of what is written, and are full. */
function fillUp(suffix: RegExp): void {
  const open = fs.open;
  jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
    const handle = await open(...args);
    if (!suffix.test(String(args[0]))) return handle;
    const write = handle.write.bind(handle) as (bytes: Uint8Array) => Promise<unknown>;
    const half = async (bytes: Uint8Array) => {
      await write(bytes.subarray(0, bytes.length >> 1));
      throw full();
    };
    let good = 1; // the first is whole
    jest.spyOn(handle, 'writeFile').mockImplementation(async (bytes) => {
      if (good-- > 0) await write(bytes as Uint8Array);
      else await half(bytes as Uint8Array);
    });
    if (suffix.source.includes('tmp'))
      jest.spyOn(handle, 'write').mockImplementation(half as never);
    return handle;
  });
}

test('a row of steps.csv is whole or not there', async () => {
  const folder = await fresh();
  fillUp(/steps\.csv$/);
  const observer = csvObserver(folder);
  await observer.onStart!({ ...start, position });
  await observer.onStep!(step(1));
  const before = readFileSync(join(folder, 'steps.csv'), 'utf8');
  expect(before.trimEnd().split('\n')).toHaveLength(2);
  await expect(observer.onStep!(step(2))).rejects.toThrow(
    `cannot write ${join(folder, 'steps.csv')}: ENOSPC`,
  );
  expect(readFileSync(join(folder, 'steps.csv'), 'utf8')).toBe(before);
  await observer.onEnd!();
});

test('metrics.csv stays as it was', async () => {
  const folder = await fresh();
  const observer = csvObserver(folder);
  await observer.onStart!({ ...start, position });
  await observer.onEpoch!(epoch as EpochReport);
  const before = readFileSync(join(folder, 'metrics.csv'), 'utf8');
  expect(before.trimEnd().split('\n')).toHaveLength(2);
  fillUp(/metrics\.csv.*\.tmp$/);
  await expect(observer.onEpoch!(epoch as EpochReport)).rejects.toThrow(
    `cannot write ${join(folder, 'metrics.csv')}: ENOSPC`,
  );
  expect(readFileSync(join(folder, 'metrics.csv'), 'utf8')).toBe(before);
  expect(readdirSync(folder).sort()).toEqual(['metrics.csv', 'steps.csv']);
  await observer.onEnd!();
});

test('a file that cannot be opened is named', async () => {
  const folder = await fresh();
  symlinkSync('/dev/full', join(folder, 'metrics.csv'));
  await expect(csvObserver(folder).onStart!({ ...start, position })).rejects.toThrow(
    `cannot write ${join(folder, 'metrics.csv')}: ENOSPC`,
  );
  const other = await fresh();
  await fs.mkdir(join(other, 'steps.csv'));
  await expect(csvObserver(other).onStart!({ ...start, position })).rejects.toThrow(
    `cannot read ${join(other, 'steps.csv')}: EISDIR`,
  );
});

test("TensorBoard's file is named", async () => {
  const folder = await fresh();
  fillUp(/events\.out\.tfevents/);
  const observer = tensorboardObserver(folder);
  await expect(observer.onStart!({ ...start, position })).rejects.toThrow(
    /cannot write .*events\.out\.tfevents.*: ENOSPC/,
  );
  await observer.onEnd!();
});
