/** Losses of TET and distillation against numbers of PyTorch: value and gradient. */
import * as tf from '@tensorflow/tfjs';
import {
  blurredFeatureLoss,
  softLabelLoss,
  stepEntropy,
  stepSoftLabelLoss,
  tetLoss,
  weightedSoftLabelLoss,
} from 'tfjs-spikingformer/training';
import { restorationMaps } from '../../training/blurred_features';
import { smoothTargets } from '../../training/losses';
import { describeEachBackend } from '../support/backends';
import {
  expectForwardClose,
  expectGradClose,
  type Fixture,
  loadFixture,
  permute,
  toTensor,
} from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';

type Tensors = Pick<Fixture<unknown>, 'values'>;

/** Time first to ours. */
const steps = (fixture: Tensors, name: string) => permute(fixture.values(name), [1, 0, 2]);

/** Labels as one-hot targets; soft targets as they are. */
function targetsOf(fixture: Tensors, name: string, classes: number): tf.Tensor {
  const target = fixture.values(name);
  if (target.shape.length === 2) return toTensor(target);
  return tf.tensor(smoothTargets(target.data, classes), [target.data.length, classes]);
}

/** Value and gradient with respect to x, each as golden. */
function check(
  what: string,
  f: (x: tf.Tensor) => tf.Scalar,
  x: tf.Tensor,
  golden: { value: number; gradient: Parameters<typeof expectGradClose>[1] },
): void {
  tf.tidy(() => {
    const { value, grad } = tf.valueAndGrad(f)(x);
    expectForwardClose(value, { shape: [], data: Float32Array.of(golden.value) }, what);
    expectGradClose(grad, golden.gradient, `${what}, gradient`);
  });
}

const tet = loadFixture<{ cases: { name: string; lamb: number; means: number }[] }>(
  'losses/tet_loss',
);
const separation = loadFixture<{
  cases: { name: string; tau: number; alpha: number; gamma: number }[];
}>('losses/paper_temporal_separation_kd');
const weighted = loadFixture<{ cases: { name: string; temperature: number }[] }>(
  'losses/bkd_logits_loss',
);
const blurred = loadFixture<{
  cases: { name: string; align: boolean; use_clip: boolean; alpha: number; lambda: number }[];
}>('losses/bkd_feature_loss');
const scalar = (fixture: Tensors, name: string) => fixture.values(name).data[0]!;

describeEachBackend('losses as PyTorch has them', () => {
  test.each(tet.meta.cases)('TET, $name', async ({ name, lamb, means }) => {
    const logits = toTensor(steps(tet, `${name}.logits`));
    const targets = targetsOf(tet, `${name}.target`, logits.shape[2]!);
    const loss = (x: tf.Tensor) => tetLoss(targets, x, { lambda: lamb, mean: means });
    check(name, loss, logits, {
      value: scalar(tet, `${name}.loss`),
      gradient: steps(tet, `${name}.grad_logits`),
    });
    await expectNoLeak(() => loss(logits).dispose());
    tf.dispose([logits, targets]);
  });

  test.each(separation.meta.cases)(
    'temporal separation and soft labels, $name',
    async ({ name, tau, alpha, gamma }) => {
      const logits = toTensor(steps(separation, `${name}.student`));
      const teacher = toTensor(separation.values(`${name}.teacher`));
      const targets = targetsOf(separation, `${name}.target`, 10);
      const ce = (x: tf.Tensor) => tetLoss(targets, x, { lambda: 0 });
      const kl = (x: tf.Tensor) => stepSoftLabelLoss(x, teacher, tau).div<tf.Scalar>(tau ** 2);
      const entropy = (x: tf.Tensor) => stepEntropy(x, tau);
      const parts = {
        ce,
        kl,
        entropy,
        total: (x: tf.Tensor) =>
          ce(x)
            .mul(1 - alpha)
            .add(kl(x).mul(alpha * tau ** 2))
            .sub<tf.Scalar>(entropy(x).mul(gamma)),
        mean_logits_kl: (x: tf.Tensor) =>
          softLabelLoss(x.mean(1), teacher, tau).div<tf.Scalar>(tau ** 2),
      };
      for (const [part, loss] of Object.entries(parts)) {
        check(`${name}.${part}`, loss, logits, {
          value: scalar(separation, `${name}.${part}`),
          gradient: steps(separation, `${name}.grad_${part}`),
        });
      }
      await expectNoLeak(() =>
        tf.dispose([stepSoftLabelLoss(logits, teacher), stepEntropy(logits)]),
      );
      tf.dispose([logits, teacher, targets]);
    },
  );

  test.each(weighted.meta.cases)('weighted soft labels, $name', async ({ name, temperature }) => {
    const [logits, teacher, targets] = ['student', 'teacher', 'target'].map((part) =>
      toTensor(weighted.values(`${name}.${part}`)),
    ) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const loss = (x: tf.Tensor) => weightedSoftLabelLoss(targets, x, teacher, temperature);
    check(name, loss, logits, {
      value: scalar(weighted, `${name}.loss`),
      gradient: weighted.values(`${name}.grad_student`),
    });
    await expectNoLeak(() => loss(logits).dispose());
    tf.dispose([logits, teacher, targets]);
  });

  test.each(blurred.meta.cases)(
    'blurred features, $name',
    async ({ name, use_clip, alpha, lambda, align }) => {
      const features = toTensor(
        permute(blurred.values(`${name}.student`), [0, 2, 3, 1]),
      ) as tf.Tensor4D;
      const teacher = toTensor(blurred.values(`${name}.teacher`));
      const blur = toTensor(permute(blurred.values(`${name}.uniform`), [0, 2, 3, 1])).greaterEqual(
        lambda,
      );
      const torch = { align: 'align', restore1: 'generation.0', restore2: 'generation.2' };
      const maps = restorationMaps(
        { channels: features.shape[3], teacherChannels: teacher.shape[1]! },
        1,
      );
      const keyOf = (path: string) => {
        const [map, part] = path.split('/') as [keyof typeof torch, string];
        return `${torch[map]}.${part === 'kernel' ? 'weight' : 'bias'}`;
      };
      for (const [path, variable] of Object.entries(maps)) {
        const value = toTensor(blurred.weight(`${name}.state.${keyOf(path)}`));
        variable.assign(value.reshape(variable.shape));
      }
      expect('align/kernel' in maps).toBe(align);
      const loss = (x: tf.Tensor) =>
        blurredFeatureLoss(x as tf.Tensor4D, teacher, blur as tf.Tensor4D, maps, {
          clip: use_clip,
        }).mul<tf.Scalar>(alpha);
      check(name, loss, features, {
        value: scalar(blurred, `${name}.loss`),
        gradient: permute(blurred.values(`${name}.grad_student`), [0, 2, 3, 1]),
      });
      const { grads } = tf.variableGrads(() => loss(features), Object.values(maps));
      for (const [path, variable] of Object.entries(maps)) {
        const expected = blurred.weight(`${name}.grad.${keyOf(path)}`);
        expectGradClose(grads[variable.name]!, expected, `${name}, gradient of ${path}`);
      }
      await expectNoLeak(() => tf.tidy(() => void loss(features)));
      tf.dispose([features, teacher, blur, grads, maps]);
    },
  );
});
