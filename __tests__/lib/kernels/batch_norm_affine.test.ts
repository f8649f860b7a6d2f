/** BatchNormAffine on every backend, against its composed form. */
import * as tf from '@tensorflow/tfjs';
import 'tfjs-spikingformer';
import { scaleAndShift } from '../../../lib/kernels';
import {
  type BatchNormAffineTensors,
  batchNormAffine,
} from '../../../lib/kernels/batch_norm_affine';
import { describeEachBackend } from '../../support/backends';
import { expectForwardClose } from '../../support/compare';
import { expectNoLeak } from '../../support/leaks';
import { expectEqual, random } from './wasm_harness';

const epsilon = 1e-5;

const affineOf = (norm: BatchNormAffineTensors) => {
  const { scale, shift } = scaleAndShift({ norm, epsilon });
  return [scale, shift] as const;
};

function weights(channels: number, hasBias: boolean) {
  const vector = (seed: number) => tf.tensor1d(random(channels, seed));
  const variance = tf.tensor1d(random(channels, 4).map((v) => v * v));
  const [gamma, beta, mean] = [vector(1), vector(2), vector(3)];
  return { gamma, beta, mean, variance, bias: hasBias ? vector(5) : undefined };
}

describeEachBackend('BatchNormAffine', (backend) => {
  test.each([
    [1, false],
    [7, true],
    [256, false],
    [1030, true],
  ])('equals its composed form for %d channels, bias %s', (channels, hasBias) => {
    const inputs = weights(channels, hasBias);
    const actual = affineOf(inputs);
    const expected = batchNormAffine(inputs, { epsilon });
    for (const i of [0, 1] as const) {
      expect(actual[i].shape).toEqual([channels]);
      // TensorFlow's reciprocal square root may round otherwise.
      if (backend === 'tensorflow') expectForwardClose(actual[i], expected[i]);
      else expectEqual(actual[i].dataSync(), expected[i].dataSync());
    }
  });

  test('normalizes as the definition', () => {
    const inputs = weights(5, true);
    const [scale, shift] = affineOf(inputs);
    const [gamma, beta, mean, variance, bias] = (
      ['gamma', 'beta', 'mean', 'variance', 'bias'] as const
    ).map((name) => inputs[name]!.dataSync());
    for (let c = 0; c < 5; c++) {
      const factor = gamma![c]! / Math.sqrt(variance![c]! + epsilon);
      expect(scale.dataSync()[c]).toBeCloseTo(factor, 3);
      expect(shift.dataSync()[c]).toBeCloseTo(beta![c]! - (mean![c]! - bias![c]!) * factor, 3);
    }
  });

  test('keeps infinities and NaN', () => {
    const vector = (...values: number[]) => tf.tensor1d(values);
    const inputs = {
      gamma: vector(1, 1, Number.NaN, 1),
      beta: vector(0, 0, 0, Number.POSITIVE_INFINITY),
      mean: vector(0, Number.NEGATIVE_INFINITY, 0, 0),
      variance: vector(Number.POSITIVE_INFINITY, 1, 1, 1),
    };
    const [scale, shift] = affineOf(inputs);
    expect([...scale.dataSync()].map(Number.isFinite)).toEqual([true, true, false, true]);
    expect([...shift.dataSync()].map(Number.isFinite)).toEqual([true, false, false, false]);
  });

  test('frees what it needs', async () => {
    const inputs = weights(8, true);
    await expectNoLeak(() => tf.dispose([...affineOf(inputs)]));
  });
});
