/** Schedules, mixup, losses, AdamW and EMA against numbers of timm 0.6.12 and PyTorch. */
import * as tf from '@tensorflow/tfjs';
import {
  AdamW,
  adamW,
  cosineSchedule,
  labelSmoothingCrossEntropy,
  mixSamples,
  mixTargets,
  smoothTargets,
  softTargetCrossEntropy,
  WeightAverage,
} from 'tfjs-spikingformer/training';
import { boxLambda, cutmixBox } from '../../training/mixup';
import { describeEachBackend } from '../support/backends';
import { expectClose, loadFixture, loadJson, permute, toTensor } from '../support/fixtures';

interface Schedule {
  name: string;
  epochs: number;
  min_lr: number;
  warmup_lr: number;
  warmup_epochs: number;
  cooldown_epochs: number;
  lr_base: number;
  total_epochs: number;
  lr: number[];
}

const { schedules } = loadJson<{ schedules: Schedule[] }>('recipe/lr_schedules');

test.each(schedules.map((s) => [s.name, s] as const))("%s: every epoch's learning rate", (_, s) => {
  const schedule = cosineSchedule({
    learningRate: s.lr_base,
    epochs: s.epochs,
    warmupEpochs: s.warmup_epochs,
    warmupLearningRate: s.warmup_lr,
    minLearningRate: s.min_lr,
    cooldownEpochs: s.cooldown_epochs,
  });
  expect(schedule.totalEpochs).toBe(s.total_epochs);
  expect(s.lr).toHaveLength(s.total_epochs);
  s.lr.forEach((lr, epoch) => {
    expect(Math.abs(schedule.at(epoch) - lr)).toBeLessThanOrEqual(1e-12 * lr);
  });
});

interface MixCase {
  name: string;
  lam_given: number;
  lam_used: number;
  label_smoothing: number;
  num_classes: number;
  box_yl_yh_xl_xh: [number, number, number, number] | null;
}
const mixup = loadFixture<{ cases: MixCase[] }>('recipe/mixup');
const boxOf = (c: MixCase) => {
  if (!c.box_yl_yh_xl_xh) return undefined;
  const [top, bottom, left, right] = c.box_yl_yh_xl_xh;
  return { top, bottom, left, right };
};
const channelsLast = (name: string) => permute(mixup.values(name), [0, 2, 3, 1]);

describe.each(mixup.meta.cases.map((c) => [c.name, c] as const))('%s', (name, c) => {
  const mixing = { lambda: c.lam_used, box: boxOf(c) };
  const inputs = mixup.names('').filter((n) => !/^(mixup|cutmix)_/.test(n));
  const labels = mixup.values('target').data;

  test('bytes, exactly, and floats', () => {
    expect(inputs).toEqual(expect.arrayContaining(['x_uint8', 'x', 'target']));
    const bytes = channelsLast('x_uint8');
    const data = Uint8Array.from(bytes.data);
    mixSamples(data, bytes.shape, mixing);
    expect([...data]).toEqual([...channelsLast(`${name}.collate_x_uint8`).data]);

    const floats = channelsLast('x');
    mixSamples(floats.data, floats.shape, mixing);
    expectClose(floats, channelsLast(`${name}.x`), 'x', { atol: 1e-6 });
  });

  test('targets', () => {
    for (const key of ['target', 'collate_target']) {
      const shape = [labels.length, c.num_classes];
      const data = mixTargets(labels, c.num_classes, c.lam_used, c.label_smoothing);
      expectClose({ shape, data }, mixup.values(`${name}.${key}`), key, { atol: 1e-6 });
    }
  });

  test('the box is one that lambda gives, and gives lambda', () => {
    const box = boxOf(c);
    if (!box) return expect(c.lam_used).toBe(c.lam_given);
    const [, height, width] = channelsLast('x').shape as [number, number, number];
    const centres = Array.from({ length: height * width }, (_, i) =>
      cutmixBox(height, width, c.lam_given, Math.floor(i / width), i % width),
    );
    expect(centres).toContainEqual(box);
    expect(boxLambda(box, height, width)).toBe(c.lam_used);
  });
});

interface AdamCase {
  name: 'timm_groups' | 'all_decay';
  weight_decay: Record<string, number>;
}

describeEachBackend('as timm and PyTorch compute it', () => {
  test('losses and their gradients', () => {
    const losses = loadFixture('recipe/losses');
    const tolerance = { rtol: 1e-5, atol: 1e-7 };
    tf.tidy(() => {
      const logits = toTensor(losses.values('logits'));
      const labels = losses.values('target').data;
      const oneHot = tf.tensor(smoothTargets(labels, 10), [5, 10]);
      const soft = toTensor(losses.values('soft_target'));
      const cases: [string, (x: tf.Tensor) => tf.Scalar][] = [
        ['cross_entropy', (x) => softTargetCrossEntropy(oneHot, x)],
        ['label_smoothing_0.1', (x) => labelSmoothingCrossEntropy(0.1)(oneHot, x)],
        [
          'label_smoothing_0.1',
          (x) => softTargetCrossEntropy(tf.tensor(smoothTargets(labels, 10, 0.1), [5, 10]), x),
        ],
        ['soft_target', (x) => softTargetCrossEntropy(soft, x)],
      ];
      for (const [name, loss] of cases) {
        const { value, grad } = tf.valueAndGrad(loss)(logits);
        expectClose(value.reshape([1]), losses.values(`${name}.loss`), name, tolerance);
        expectClose(grad, losses.values(`${name}.grad_logits`), `gradient of ${name}`, tolerance);
      }
    });
  });

  const adam = loadFixture<{ cases: AdamCase[]; lr_per_step: number[] }>('recipe/adamw');
  test.each(adam.meta.cases.map((c) => [c.name, c] as const))('AdamW, %s', async (name, c) => {
    const tolerance = { rtol: 1e-5, atol: 1e-7 };
    const parameters = Object.keys(c.weight_decay);
    const variables = new Map(
      parameters.map((key) => [
        key,
        tf.tidy(() =>
          tf.variable(toTensor(adam.values(`init.${key}`)), true, key.replace('.', '/')),
        ),
      ]),
    );
    const weightDecay = Math.max(...Object.values(c.weight_decay));
    const optimizer = adamW({ weightDecay, decayAll: name === 'all_decay' });
    adam.meta.lr_per_step.forEach((lr, step) => {
      optimizer.learningRate = lr;
      const grads = Object.fromEntries(
        parameters
          .filter((key) => adam.has(`grad${step}.${key}`))
          .map((key) => [variables.get(key)!.name, toTensor(adam.values(`grad${step}.${key}`))]),
      );
      expect(Object.keys(grads)).toHaveLength(7); // not the unused norm's
      optimizer.applyGradients(grads);
      tf.dispose(grads);
      for (const [key, variable] of variables) {
        expectClose(
          variable,
          adam.values(`${name}.step${step}.${key}`),
          `${key}@${step}`,
          tolerance,
        );
      }
    });
    const weights = await optimizer.getWeights();
    const moments = new Map(weights.map(({ name: n, tensor }) => [n, tensor]));
    for (const [key, { name: variable }] of variables) {
      if (key.startsWith('unused_norm')) {
        expect(moments.has(`${variable}/m`)).toBe(false);
        continue;
      }
      expectClose(
        moments.get(`${variable}/m`)!,
        adam.values(`${name}.exp_avg.${key}`),
        key,
        tolerance,
      );
      expectClose(
        moments.get(`${variable}/v`)!,
        adam.values(`${name}.exp_avg_sq.${key}`),
        key,
        tolerance,
      );
    }
    tf.dispose(weights.map(({ tensor }) => tensor));
    optimizer.dispose();
    for (const variable of variables.values()) variable.dispose();
    expect(optimizer).toBeInstanceOf(AdamW);
  });

  test('the moving average, running statistics too', () => {
    const ema = loadFixture<{ decay: number }>('recipe/ema');
    const tolerance = { rtol: 1e-6, atol: 1e-7 };
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 3, kernelSize: 3, useBias: false, inputShape: [8, 8, 2] }),
        tf.layers.batchNormalization(),
      ],
    });
    const keys = ['0.weight', '1.weight', '1.bias', '1.running_mean', '1.running_var'];
    const ordered = [...model.layers[0]!.weights, ...model.layers[1]!.weights];
    const set = (prefix: string) =>
      ordered.forEach((weight, i) => {
        const value = toTensor(ema.weight(`${prefix}.${keys[i]}`));
        weight.write(value);
        value.dispose();
      });
    set('init');
    const average = new WeightAverage(model, ema.meta.decay);
    for (let step = 0; step < 5; step++) {
      set(`model${step}`);
      average.update();
      ordered.forEach((weight, i) => {
        const key = `ema${step}.${keys[i]}`;
        expectClose(average.state.get(weight.originalName)!, ema.weight(key), key, tolerance);
      });
    }
    average.dispose();
    model.dispose();
  });
});
