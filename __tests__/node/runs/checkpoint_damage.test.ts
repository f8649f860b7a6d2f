/** Damaged checkpoints are passed over, which is reported; a full disk leaves the last good one. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { CheckpointStore, type CheckpointStoreOptions } from '../../../node/runs/checkpoints';
import { temporaryDirectory } from '../../support/process';
import { tinyTrainer } from '../../support/training';
import { interrupted, saving, silent } from './interrupted';

const directory = temporaryDirectory();
let count = 0;
const fresh = (options?: CheckpointStoreOptions) =>
  new CheckpointStore(join(directory, `run${count++}`), options);

describe('damage', () => {
  beforeAll(() => tf.setBackend('cpu'));
  afterEach(() => jest.restoreAllMocks());

  async function twoCheckpoints() {
    const store = fresh();
    await interrupted(store, 2);
    await interrupted(store, 4);
    return { store, newer: join(store.directory, (await store.list())[1]!) };
  }
  const files = ['manifest.json', 'model.json', 'state.safetensors', /weights\..*\.bin$/];
  const pathOf = (folder: string, file: string | RegExp) =>
    join(
      folder,
      readdirSync(folder).find((name) =>
        typeof file === 'string' ? name === file : file.test(name),
      )!,
    );

  test.each(files)(
    '%s flipped in one bit, or cut: the one before is used, said aloud',
    async (file) => {
      const { store, newer } = await twoCheckpoints();
      const path = pathOf(newer, file);
      const original = readFileSync(path);
      const flipped = Buffer.from(original);
      flipped[Math.floor(flipped.length / 2)]! ^= 1;
      for (const damage of [
        () => writeFileSync(path, flipped),
        () => truncateSync(path, original.length - 1),
        () => writeFileSync(path, ''),
      ]) {
        writeFileSync(path, original);
        expect((await store.newest(silent))!.folder).toBe(newer);
        damage();
        const said: string[] = [];
        const found = (await store.newest((message) => said.push(message)))!;
        expect(found.folder).toBe(join(store.directory, 'epoch-000000-batch-000002'));
        expect(said).toEqual([expect.stringContaining(path)]);
        expect(said[0]).toMatch(/damaged|must have \d+ bytes/);
      }
    },
  );

  test.each([
    ['files', undefined, 'missing'],
    ['files', { 'model.json': null }, 'an object, or incomplete'],
    ['files', { '../model.json': { bytes: 1, sha256: '' } }, 'an object, or incomplete'],
    ['position', 5, 'a number'],
    ['history', {}, 'an object'],
    ['optimizer', null, 'null'],
    ['metric', 'high', 'a string'],
  ])(
    'a manifest whose %s is %j, its checksum right, is refused by type',
    async (key, value, is) => {
      const { store, newer } = await twoCheckpoints();
      const path = join(newer, 'manifest.json');
      const { manifest } = JSON.parse(readFileSync(path, 'utf8'));
      const changed = { ...manifest, [key]: value };
      const sha256 = createHash('sha256').update(JSON.stringify(changed)).digest('hex');
      writeFileSync(path, JSON.stringify({ sha256, manifest: changed }));
      const [, name] = await store.list();
      await expect(store.verify(name!)).rejects.toThrow(`its field ${key} is ${is}`);
    },
  );

  test('a damaged one is replaced when the run comes by again', async () => {
    const { store, newer } = await twoCheckpoints();
    truncateSync(pathOf(newer, 'state.safetensors'), 100);
    await interrupted(store, 4);
    expect((await store.newest(silent))!.folder).toBe(newer);
  });

  test('none whole is an error, none at all is not', async () => {
    const { store } = await twoCheckpoints();
    for (const name of await store.list())
      writeFileSync(join(store.directory, name, 'model.json'), '{}');
    await expect(store.newest(() => undefined)).rejects.toThrow(/all 2 checkpoints .* are damaged/);
    expect(await fresh().newest(silent)).toBeNull();
  });

  test.each(['write', 'sync'] as const)(
    'a full disk (%s): the last good one is named and whole',
    async (call) => {
      const store = fresh();
      await interrupted(store, 2);
      const open = fs.open;
      jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
        const handle = await open(...args);
        if (String(args[0]).includes('state.safetensors')) {
          jest
            .spyOn(handle, call)
            .mockRejectedValue(Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }));
        }
        return handle;
      });
      const run = tinyTrainer({ ...saving(store), epochs: 1 });
      await expect(run.finish()).rejects.toThrow(
        /cannot save checkpoint epoch-000001-batch-000000: .*ENOSPC.*the last good checkpoint is .*epoch-000000-batch-000002$/,
      );
      run.end();
      jest.restoreAllMocks();
      expect(readdirSync(store.directory)).toEqual(['epoch-000000-batch-000002']);
      expect((await store.newest(silent))!.manifest.position.step).toBe(2);
    },
  );
});
