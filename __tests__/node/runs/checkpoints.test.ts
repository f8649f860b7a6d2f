/** Checkpoints: exact resume, refusals with a table, what is kept. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { CheckpointStore, type CheckpointStoreOptions } from '../../../node/runs/checkpoints';
import { fileHandler } from '../../../node/runs/file_handler';
import { DivergedError } from '../../../training/health';
import { InterruptedError } from '../../../training/trainer';
import { collectState } from '../../../training/training_state';
import { describeFasterBackends } from '../../support/backends';
import { temporaryDirectory } from '../../support/process';
import { tinyModel, tinyTest, tinyTrainer } from '../../support/training';
import { interrupted, saving, silent } from './interrupted';

const directory = temporaryDirectory();
let count = 0;
const fresh = (options?: CheckpointStoreOptions) =>
  new CheckpointStore(join(directory, `run${count++}`), options);

describeFasterBackends('a run that is interrupted and resumed', () => {
  test('ends as one left alone: weights, average, moments, history, bit for bit', async () => {
    const whole = tinyTrainer({ test: tinyTest, accumulate: 2 });
    const reports = await whole.finish();
    const store = fresh();
    for (const steps of [2, 4, 7]) {
      const controller = new AbortController();
      const run = tinyTrainer({
        save: (trainer) => store.save(trainer),
        accumulate: 2,
        signal: controller.signal,
        model: tinyModel(steps === 2 ? 1 : steps), // later ones get theirs from the checkpoint
        observers: [{ onStep: ({ step }) => void (step === steps && controller.abort()) }],
      });
      const checkpoint = await store.newest(silent);
      expect(checkpoint === null).toBe(steps === 2);
      if (checkpoint) await store.restore(run.trainer, checkpoint);
      await expect(run.finish()).rejects.toThrow(InterruptedError);
      run.end();
    }
    const last = tinyTrainer({ accumulate: 2, model: tinyModel(99) });
    await store.restore(last.trainer, (await store.newest(silent))!);
    await last.finish();
    expect(last.weights()).toEqual(whole.weights());
    const state = async ({ trainer }: typeof last) =>
      Object.entries(await collectState(trainer))
        .map(([name, { data }]) => [name, Array.from(data, Number).join()])
        .sort();
    expect(await state(last)).toEqual(await state(whole));
    const timeless = (history: object[]) =>
      history.map((report) => ({ ...report, seconds: 0, samplesPerSecond: 0 }));
    expect(timeless(last.trainer.progress.history)).toEqual(timeless(reports));
    last.end();
    whole.end();
  });
});

describe('what a checkpoint is', () => {
  beforeAll(() => tf.setBackend('cpu'));
  afterEach(() => jest.restoreAllMocks());

  test('its folder is a plain tfjs model', async () => {
    const store = fresh();
    const run = tinyTrainer({ ...saving(store), epochs: 1 });
    await run.finish();
    const { folder, manifest } = (await store.newest(silent))!;
    expect(manifest.position).toEqual({ epoch: 1, batch: 0, step: 6 });
    const model = await tf.loadLayersModel(fileHandler(folder));
    expect(model.getWeights().map((w) => [...w.dataSync()])).toEqual(run.weights());
    model.dispose();
    run.end();
  });

  test('the newest stay, and the best', async () => {
    const store = fresh({ keep: 1 });
    const run = tinyTrainer({ ...saving(store) });
    const accuracy = [0.9, 0.2, 0.3];
    for (const [epoch, averageAccuracy] of accuracy.entries()) {
      run.trainer.progress.position = { epoch: epoch + 1, batch: 0, step: epoch };
      run.trainer.progress.history.push({ averageAccuracy } as never);
      await store.save(run.trainer);
    }
    expect(await store.list()).toEqual(['epoch-000001-batch-000000', 'epoch-000003-batch-000000']);
    expect((await store.best())!.manifest.metric).toBe(0.9);
    run.end();
  });

  test('order is that of numbers: batch 1,000,000 comes after 999,999', async () => {
    const store = fresh({ keep: 1 });
    const run = tinyTrainer();
    for (const batch of [999_998, 999_999, 1_000_000]) {
      run.trainer.progress.position = { epoch: 1_000_000, batch, step: batch };
      await store.save(run.trainer);
      expect((await store.newest(silent))!.manifest.position.batch).toBe(batch);
    }
    expect(await store.list()).toEqual(['epoch-1000000-batch-1000000']);
    run.end();
  });

  describe('several runs in one folder', () => {
    const at = (run: ReturnType<typeof tinyTrainer>, epoch: number, batch = 0) => {
      run.trainer.progress.position = { epoch, batch, step: 10 * epoch + batch };
    };
    const kept = async (store: CheckpointStore, run: ReturnType<typeof tinyTrainer>) => {
      const model = await tf.loadLayersModel(fileHandler((await store.newest(silent))!.folder));
      expect(model.getWeights().map((w) => [...w.dataSync()])).toEqual(run.weights());
      model.dispose();
    };

    test('each keeps its own, and the newest is of the last', async () => {
      const first = fresh({ keep: 1 });
      const run = tinyTrainer();
      for (const epoch of [1, 2]) {
        at(run, epoch);
        await first.save(run.trainer);
      }
      const second = new CheckpointStore(first.directory, { keep: 1 });
      const other = tinyTrainer({ model: tinyModel(7) });
      at(other, 1);
      await second.save(other.trainer);
      await kept(first, other);
      expect(await first.list()).toEqual([
        'epoch-000002-batch-000000',
        'run-2-epoch-000001-batch-000000',
      ]);
      const third = new CheckpointStore(first.directory);
      await third.restore(run.trainer, (await third.newest(silent))!);
      at(run, 2);
      await third.save(run.trainer); // goes on with the second
      expect((await third.list()).at(-1)).toBe('run-2-epoch-000002-batch-000000');
      run.end();
      other.end();
    });

    test('the same store too: the same place with other weights, and a step back', async () => {
      const store = fresh({ keep: 3 });
      const run = tinyTrainer();
      at(run, 2);
      await store.save(run.trainer);
      await store.save(run.trainer);
      expect(await store.list()).toEqual(['epoch-000002-batch-000000']);
      tf.tidy(() => void run.model.weights[0]!.write(run.model.weights[0]!.read().add(1)));
      await store.save(run.trainer);
      await kept(store, run);
      at(run, 1);
      await store.save(run.trainer);
      expect(await store.list()).toEqual([
        'epoch-000002-batch-000000',
        'run-2-epoch-000002-batch-000000',
        'run-3-epoch-000001-batch-000000',
      ]);
      run.end();
    });

    test('from a checkpoint before the newest another run begins', async () => {
      const store = fresh({ keep: 3 });
      const run = tinyTrainer();
      for (const epoch of [1, 2]) {
        at(run, epoch);
        await store.save(run.trainer);
      }
      const folder = join(store.directory, 'epoch-000001-batch-000000');
      const manifest = await store.verify('epoch-000001-batch-000000');
      await store.restore(run.trainer, { folder, manifest });
      at(run, 1, 3);
      await store.save(run.trainer);
      expect((await store.list()).at(-1)).toBe('run-2-epoch-000001-batch-000003');
      run.end();
    });

    test('a process that goes on from the same place keeps nothing twice', async () => {
      const store = fresh();
      await interrupted(store, 2);
      const again = new CheckpointStore(store.directory);
      const run = tinyTrainer();
      await again.restore(run.trainer, (await again.newest(silent))!);
      await again.save(run.trainer);
      expect(await again.list()).toEqual(['epoch-000000-batch-000002']);
      run.end();
    });
  });

  test('what does not fit is refused with a table, and nothing is changed', async () => {
    const options = { identity: { recipe: { lr: 0.1, epochs: 3 } }, environment: { threads: 2 } };
    const store = fresh(options);
    await interrupted(store, 2);
    const checkpoint = (await store.newest(silent))!;
    const other = new CheckpointStore(store.directory, {
      identity: { recipe: { lr: 0.2, epochs: 3, mixup: 1 } },
      environment: { threads: 4 },
    });
    const run = tinyTrainer({ model: tinyModel(1, 32), averageDecay: undefined });
    const before = run.weights();
    const error: Error = await other.restore(run.trainer, checkpoint).then(
      () => new Error('restored'),
      (e) => e,
    );
    const rows = error.message.split('\n').map((row) => row.trim().replace(/ {2,}/g, ' | '));
    expect(rows[0]).toMatch(/^checkpoint .* does not fit this run:$/);
    expect(rows.slice(1, 6)).toEqual([
      'checkpoint | here',
      'recipe.lr | 0.1 | 0.2',
      'recipe.mixup | none | 1',
      'threads | 2 | 4',
      'average | true | false',
    ]);
    expect(rows[6]).toBe('weight tokenizer/stage1/conv_bn/kernel | [3,3,1,2] | [3,3,1,4]');
    expect(rows.at(-1)).toMatch(/^and \d+ more$/);
    expect(run.weights()).toEqual(before);
    run.end();

    const same = tinyTrainer();
    const moved = new CheckpointStore(store.directory, { ...options, environment: { threads: 4 } });
    await expect(moved.restore(same.trainer, checkpoint)).rejects.toThrow(/threads/);
    await moved.restore(same.trainer, checkpoint, false);
    expect(same.trainer.progress.position.step).toBe(2);
    same.end();
  });

  test('weights that are no numbers are not kept', async () => {
    const store = fresh();
    const run = tinyTrainer();
    await store.save(run.trainer);
    tf.tidy(() => void run.model.weights[3]!.write(run.model.weights[3]!.read().mul(Number.NaN)));
    run.trainer.progress.position.batch = 1;
    await expect(store.save(run.trainer)).rejects.toThrow(DivergedError);
    expect(await store.list()).toHaveLength(1);
    run.end();
  });
});
