/** Distillation put together: its terms add up, a run with all of them resumes to the same bits. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  type DistillationConfig,
  distillation,
  modelTeacher,
  softLabelLoss,
  softTargetCrossEntropy,
  tetLoss,
} from 'tfjs-spikingformer/training';
import { Random } from '../../lib/random';
import { CheckpointStore } from '../../node/runs/checkpoints';
import { drawBlur } from '../../training/blurred_features';
import { smoothTargets } from '../../training/losses';
import type { LossBatch } from '../../training/training_loss';
import { collectState } from '../../training/training_state';
import { describeFasterBackends } from '../support/backends';
import { expectForwardClose, loadFixture, permute, toTensor } from '../support/fixtures';
import { temporaryDirectory } from '../support/process';
import { tinyModel, tinyTrainer } from '../support/training';

const directory = temporaryDirectory();
const at = { epoch: 0, batch: 0 };
const blurred = { layer: 'block1', channels: 16, teacherChannels: 4, seed: 3 };
const everything: DistillationConfig = {
  labels: 0.5,
  softLabels: { temperature: 2 },
  weightedSoftLabels: { weight: 0.5 },
  temporalSeparation: { weight: 0.3, entropy: 0.05 },
  blurredFeatures: { ...blurred, weight: 0.1, dropped: 0.3 },
};
const stock = () =>
  tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: 'conv',
        filters: 4,
        kernelSize: 3,
        inputShape: [8, 8, 1],
        kernelInitializer: tf.initializers.glorotUniform({ seed: 5 }),
      }),
      tf.layers.flatten(),
      tf.layers.dense({
        units: 3,
        activation: 'softmax',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 6 }),
      }),
    ],
  });

describeFasterBackends('distillation', () => {
  test("its terms add up to the paper's loss of temporal separation", () => {
    const fixture = loadFixture<{
      cases: { name: string; tau: number; alpha: number; gamma: number }[];
    }>('losses/paper_temporal_separation_kd');
    for (const { name, tau, alpha, gamma } of fixture.meta.cases) {
      const loss = distillation(
        {
          perStep: true,
          compute: ({ targets, logitsPerStep }) => tetLoss(targets, logitsPerStep!, { lambda: 0 }),
        },
        {
          labels: 1 - alpha,
          temporalSeparation: { weight: alpha, temperature: tau, entropy: gamma },
        },
      );
      expect(loss.perStep).toBe(true);
      tf.tidy(() => {
        const student = toTensor(permute(fixture.values(`${name}.student`), [1, 0, 2]));
        const total = loss.compute({
          targets: tf.tensor(smoothTargets(fixture.values(`${name}.target`).data, 10), [5, 10]),
          logits: student.mean(1),
          logitsPerStep: student as tf.Tensor3D,
          teacher: { logits: toTensor(fixture.values(`${name}.teacher`)) },
          at,
        });
        expectForwardClose(total, { ...fixture.values(`${name}.total`), shape: [] }, name);
      });
    }
  });

  test('of labels and soft labels: each times its weight; what has none is not asked for', () => {
    const loss = distillation(softTargetCrossEntropy, {
      labels: 0.25,
      softLabels: { weight: 0.75, temperature: 3 },
      temporalSeparation: { weight: 0 },
    });
    expect(loss).toMatchObject({ perStep: false, variables: {} });
    tf.tidy(() => {
      const [logits, teacher] = [1, 2].map((seed) =>
        tf.randomNormal([4, 3], 0, 1, 'float32', seed),
      );
      const targets = tf.oneHot(tf.tensor1d([0, 1, 2, 0], 'int32'), 3).toFloat();
      const expected = softTargetCrossEntropy(targets, logits!)
        .mul(0.25)
        .add(softLabelLoss(logits!, teacher!, 3).mul(0.75));
      const found = loss.compute({ targets, logits: logits!, teacher: { logits: teacher! }, at });
      expectForwardClose(found, { shape: [], data: Float32Array.from(expected.dataSync()) });
      const same = { targets, logits: logits!, teacher: { logits: logits! }, at };
      expect(
        distillation(softTargetCrossEntropy, { labels: 0, softLabels: {} })
          .compute(same)
          .dataSync()[0],
      ).toBeCloseTo(0, 6);
    });
  });

  test('a run with all terms is resumed to the same bits: maps, moments and blur', async () => {
    const before = tf.memory().numTensors;
    const model = stock();
    const teacher = modelTeacher(model, { featuresOf: 'conv' });
    const config = () => ({ teacher, loss: distillation(softTargetCrossEntropy, everything) });
    const state = async ({ trainer }: ReturnType<typeof tinyTrainer>) =>
      Object.fromEntries(
        Object.entries(await collectState(trainer)).map(([name, { data }]) => [name, [...data]]),
      );
    const whole = tinyTrainer({ ...config(), epochs: 2 });
    const begun = await state(whole);
    await whole.finish();
    const store = new CheckpointStore(join(directory, tf.getBackend()));
    const controller = new AbortController();
    const cut = tinyTrainer({
      ...config(),
      epochs: 2,
      save: (trainer) => store.save(trainer),
      signal: controller.signal,
      observers: [{ onStep: ({ step }) => void (step === 8 && controller.abort()) }],
    });
    await expect(cut.finish()).rejects.toThrow('stopped in epoch 2 after batch 2');
    const rest = tinyTrainer({ ...config(), epochs: 2, model: tinyModel(99) });
    await store.restore(rest.trainer, (await store.newest(() => undefined))!);
    await rest.finish();
    const expected = await state(whole);
    expect(await state(rest)).toEqual(expected);
    expect(rest.weights()).toEqual(whole.weights());
    for (const map of ['align', 'restore1', 'restore2']) {
      expect(expected[`loss:${map}/kernel`]).not.toEqual(begun[`loss:${map}/kernel`]);
    }
    for (const run of [whole, cut, rest]) run.end();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('what is drawn and refused', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('a blur drops its share of channels, another one in each batch', () => {
    tf.tidy(() => {
      const draw = (batch: number) => [
        ...drawBlur(new Random(3, 'blur', 0, batch), [50, 40], 0.15).dataSync(),
      ];
      const kept = draw(0).reduce((sum, value) => sum + value) / 2000;
      expect(kept).toBeCloseTo(0.85, 1);
      expect(draw(0)).toEqual(draw(0));
      expect(draw(1)).not.toEqual(draw(0));
    });
  });

  test.each<[string, object, RegExp]>([
    ['no term', { labels: 1 }, /distillation must be an object with one of softLabels, /],
    ['an unknown term', { hardLabels: {} }, /distillation has no option 'hardLabels'/],
    ['an unknown option', { softLabels: { tau: 2 } }, /softLabels has no option 'tau'/],
    [
      'a negative weight',
      { softLabels: { weight: -1 } },
      /softLabels.weight must be a number from 0, but got -1/,
    ],
    [
      'a share of all channels',
      { blurredFeatures: { ...blurred, dropped: 1 } },
      /dropped must be a number from 0 to below 1, but got 1/,
    ],
    [
      'no channels',
      { blurredFeatures: { ...blurred, teacherChannels: 0 } },
      /teacherChannels must be a positive integer, but got 0/,
    ],
  ])('%s', (_, config, message) => {
    expect(() => distillation(softTargetCrossEntropy, config as DistillationConfig)).toThrow(
      message,
    );
  });

  test('two terms with variables of one name, or with features of two layers', () => {
    const once = distillation(softTargetCrossEntropy, { blurredFeatures: blurred });
    expect(() => distillation(once, { blurredFeatures: blurred })).toThrow(
      'Two terms have a variable align/kernel: give them different names',
    );
    expect(() =>
      distillation({ ...once, featuresOf: 'block2' }, { blurredFeatures: blurred }),
    ).toThrow('All terms must take the features of the same layer, but they take block2, block1');
  });

  test.each<[string, DistillationConfig, () => Partial<LossBatch>, RegExp]>([
    ['no teacher', { softLabels: {} }, () => ({ teacher: undefined }), /needs a teacher/],
    [
      'another number of classes',
      { softLabels: {} },
      () => ({ teacher: { logits: tf.zeros([4, 5]) } }),
      /teacherLogits must be of the logits' shape \[batch, classes\], \[4,3\], but got \[4,5\]/,
    ],
    [
      'temperature 0',
      { softLabels: { temperature: 0 } },
      () => ({}),
      /temperature must be a positive finite number, but got 0/,
    ],
    [
      'a teacher without features',
      { blurredFeatures: blurred },
      () => ({ features: tf.zeros([4, 2, 2, 2, 16]) }),
      /blurredFeatures needs the features of a teacher layer/,
    ],
    [
      'features that are no images',
      { blurredFeatures: blurred },
      () => ({ features: tf.zeros([4, 2, 16]) }),
      /the outputs of block1 must be \[batch, time, height, width, channels\], but got \[4,2,16\]/,
    ],
    [
      "a teacher's features of other channels",
      { blurredFeatures: blurred },
      () => ({
        features: tf.zeros([4, 2, 2, 2, 16]),
        teacher: { logits: tf.zeros([4, 3]), features: tf.zeros([4, 9]) },
      }),
      /the teacher's features must be \[4,4\], but got \[4,9\]/,
    ],
  ])('%s', (_, config, given, message) => {
    const loss = distillation(softTargetCrossEntropy, config);
    const batch: LossBatch = {
      targets: tf.ones([4, 3]).div(3),
      logits: tf.zeros([4, 3]),
      teacher: { logits: tf.zeros([4, 3]) },
      at,
      ...given(),
    };
    expect(() => tf.tidy(() => loss.compute(batch))).toThrow(message);
    loss.dispose!();
  });
});
