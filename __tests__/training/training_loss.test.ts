/** Losses that take more than logits: one forward pass, variables of their own, kept and resumed. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { models } from 'tfjs-spikingformer';
import { softTargetCrossEntropy } from 'tfjs-spikingformer/training';
import { CheckpointError, CheckpointStore } from '../../node/runs/checkpoints';
import { fileHandler } from '../../node/runs/file_handler';
import { forwardOf } from '../../training/forward';
import { collectState } from '../../training/training_state';
import { describeFasterBackends } from '../support/backends';
import { expectForwardClose, valuesOf } from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';
import { countCalls, everythingLoss } from '../support/losses';
import { temporaryDirectory } from '../support/process';
import { tinyModel, tinyTrainer } from '../support/training';

const directory = temporaryDirectory();
const silent = (message: string) => {
  throw new Error(`unexpected: ${message}`);
};

describeFasterBackends('one forward pass', () => {
  test('gives logits, logits per step and features, each layer run once but the head', async () => {
    const model = tinyModel();
    const x = tf.randomNormal([4, 8, 8, 1], 0, 1, 'float32', 3);
    const forward = forwardOf(model, { perStep: true, featuresOf: 'block1' });
    await expectNoLeak(() => tf.tidy(() => void forward(x, false)));
    const block = tf.model({
      inputs: model.inputs,
      outputs: model.getLayer('block1').output as tf.SymbolicTensor,
    });
    tf.tidy(() => {
      const { logits, logitsPerStep, features } = forward(x, false);
      expect(valuesOf(logits)).toEqual(valuesOf(model.apply(x, { training: false }) as tf.Tensor));
      expect(valuesOf(logitsPerStep!)).toEqual(valuesOf(models.logitsPerStep(model, x)));
      expect(valuesOf(features!)).toEqual(valuesOf(block.apply(x) as tf.Tensor));
      expectForwardClose(logitsPerStep!.mean(1), valuesOf(logits), 'mean over time');
    });
    const calls = countCalls(model, () => tf.tidy(() => void forward(x, true)));
    expect(calls).toMatchObject({ tokenizer: 1, block1: 1, readout: 1, head: 2 });
    x.dispose();
    model.dispose();
  });

  test('of logits alone is the model itself', () => {
    const model = tinyModel();
    tf.tidy(() => {
      const x = tf.ones([2, 8, 8, 1]);
      const outputs = forwardOf(model)(x, true);
      expect(Object.keys(outputs)).toEqual(['logits']);
    });
    model.dispose();
  });

  test('names the layers that there are', () => {
    const model = tinyModel();
    expect(() => forwardOf(model, { featuresOf: 'blok1' })).toThrow(
      /featuresOf must be a layer of .*, one of .*tokenizer, block1, readout, head, but got 'blok1' \(Did you mean block1\?\)/,
    );
    const plain = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    expect(() => forwardOf(plain, { perStep: true })).toThrow(/has no RateReadout/);
    model.dispose();
    plain.dispose();
  });
});

describeFasterBackends('a loss of the Trainer', () => {
  test('a function of targets and logits: the default, spelled out, learns the same bits', async () => {
    const [one, two] = [tinyTrainer(), tinyTrainer({ loss: softTargetCrossEntropy })];
    await one.finish();
    await two.finish();
    expect(two.weights()).toEqual(one.weights());
    one.end();
    two.end();
  });

  test('its variables learn along, clipped and averaged like the rest, and all memory comes back', async () => {
    const before = tf.memory().numTensors;
    const loss = everythingLoss();
    const { finish, end, model, trainer } = tinyTrainer({
      loss,
      accumulate: 2,
      clipNorm: 1,
      epochs: 2,
    });
    const reports = await finish();
    expect(reports[1]!.trainLoss).toBeLessThan(reports[0]!.trainLoss);
    const [scale, bias] = Object.values(loss.variables!).map((v) => [...v.dataSync()]);
    expect(new Set(scale).size).toBeGreaterThan(40); // all began as 1
    expect(bias!.every((value) => value !== 0)).toBe(true);
    expect(loss.batches.slice(5, 8)).toEqual([
      { epoch: 0, batch: 5 },
      { epoch: 1, batch: 0 },
      { epoch: 1, batch: 1 },
    ]);
    expect(model.weights.some(({ name }) => name.includes('map'))).toBe(false);
    expect(trainer.average!.state.size).toBe(model.weights.length);
    end();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('an interrupted run resumes to the same bits, the variables and their moments too', async () => {
    const whole = tinyTrainer({ loss: everythingLoss() });
    await whole.finish();
    const store = new CheckpointStore(join(directory, tf.getBackend()));
    const controller = new AbortController();
    const cut = tinyTrainer({
      loss: everythingLoss(),
      save: (trainer) => store.save(trainer),
      signal: controller.signal,
      observers: [{ onStep: ({ step }) => void (step === 8 && controller.abort()) }],
    });
    await expect(cut.finish()).rejects.toThrow('stopped in epoch 2 after batch 2');
    cut.end();
    const rest = tinyTrainer({ loss: everythingLoss(), model: tinyModel(99) });
    await store.restore(rest.trainer, (await store.newest(silent))!);
    await rest.finish();
    const state = async ({ trainer }: typeof rest) =>
      Object.fromEntries(
        Object.entries(await collectState(trainer)).map(([name, { data }]) => [name, [...data]]),
      );
    const [expected, found] = [await state(whole), await state(rest)];
    expect(Object.keys(found)).toEqual(
      expect.arrayContaining(['loss:map/scale', 'optimizer/loss:map/scale/m']),
    );
    expect(found).toEqual(expected);
    expect(rest.weights()).toEqual(whole.weights());

    const folder = fileHandler(join(directory, `model-${tf.getBackend()}`));
    await whole.model.save(folder);
    const saved = await tf.loadLayersModel(folder);
    expect(saved.weights.map(({ shape }) => shape)).toEqual(
      whole.model.weights.map(({ shape }) => shape),
    );
    for (const run of [saved, rest.trainer, rest.model, whole.trainer, whole.model]) run.dispose();
  });

  test('another loss is refused: a table says which variables differ', async () => {
    const store = new CheckpointStore(join(directory, `refused-${tf.getBackend()}`));
    const run = tinyTrainer({ loss: everythingLoss(), save: (t) => store.save(t), epochs: 1 });
    await run.finish();
    run.end();
    const checkpoint = (await store.newest(silent))!;
    const plain = tinyTrainer();
    const before = plain.weights();
    await expect(store.restore(plain.trainer, checkpoint)).rejects.toThrow(
      /weight loss:map\/scale +\[16,3\] +none/,
    );
    expect(plain.weights()).toEqual(before);
    plain.end();
    const wider = tinyTrainer({ loss: everythingLoss(8) });
    const refused = store.restore(wider.trainer, checkpoint);
    await expect(refused).rejects.toThrow(CheckpointError);
    await expect(refused).rejects.toThrow(/weight loss:map\/scale +\[16,3\] +\[8,3\]/);
    wider.end();
  });

  test('a variable that is no number is not kept', async () => {
    const loss = everythingLoss();
    const { trainer, end } = tinyTrainer({ loss });
    tf.tidy(() => loss.variables!['map/bias']!.assign(tf.fill([3], Number.NaN)));
    await expect(collectState(trainer)).rejects.toThrow('NaN or Infinity in weight loss:map/bias');
    end();
  });
});
