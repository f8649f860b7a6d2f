/** What a backend's own batch norm, alone and with neurons behind it, is held to. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as composed from '../../lib/kernels/batch_norm';
import { BatchNormTraining, BatchNormTrainingGrad } from '../../lib/kernels/batch_norm';
import { BatchNormLIF, BatchNormLIFGrad } from '../../lib/kernels/batch_norm_lif';
import { MultiStepLIF, MultiStepLIFGrad } from '../../lib/kernels/multi_step_lif';
import { resolveLIF } from '../../lib/neuron_params';
import { expectClose, expectSpikesEqual } from './compare';
import { anyLIF, anySizes, type RunKernel } from './kernels';

export const normAttrs = { epsilon: 1e-5 };
export const normOutputs = ['y', 'mean', 'variance'];
export const normGradients = ['dx', 'dgamma', 'dbeta'];

/** Random inputs of a norm and of its gradient, far enough from zero to show. */
export function normExample(shape: number[], seed = 1) {
  const channels = [shape.at(-1)!];
  const random = (of: number[], more: number, mean = 0, deviation = 1) =>
    tf.randomNormal(of, mean, deviation, 'float32', seed + more);
  return {
    x: random(shape, 0, 3, 2),
    gamma: random(channels, 1, 1),
    beta: random(channels, 2),
    dy: random(shape, 3),
  };
}

/** Shapes equal, numbers within the tolerance. */
export function expectAll(
  got: tf.Tensor[],
  expected: tf.Tensor[],
  names: string[],
  tolerance: object,
) {
  for (const [i, name] of names.entries()) {
    expect(got[i]!.shape).toEqual(expected[i]!.shape);
    expectClose(got[i]!, expected[i]!, name, { atol: 1e-5, ...tolerance });
  }
}

export function itIsBatchNorm(run: RunKernel, shapes: number[][]): void {
  it.each(shapes.map((shape) => [shape]))('of %j, and so is its gradient', (shape) => {
    tf.tidy(() => {
      const { x, gamma, beta, dy } = normExample(shape);
      const got = run(BatchNormTraining, { x, gamma, beta }, normAttrs);
      const expected = composed.batchNormTraining(x, gamma, beta, normAttrs);
      expectAll(got, expected, normOutputs, { rtol: 1e-5 });
      const [, mean, variance] = expected as [tf.Tensor, tf.Tensor, tf.Tensor];
      const back = run(BatchNormTrainingGrad, { dy, x, gamma, mean, variance }, normAttrs);
      const specified = composed.batchNormTrainingGrad(dy, x, gamma, mean, variance, normAttrs);
      expectAll(back, specified, normGradients, { rel_to_max: 1e-5 });
    });
  });
}

/** @param rows,channels of numbers far from zero, on which statistics must be exact */
export function itIsExact(run: RunKernel, rows: number, channels: number): void {
  it('has statistics as exact as float64, also far from zero', () => {
    const x = Float32Array.from({ length: rows * channels }, (_, i) => 1000 + Math.sin(i) * 0.5);
    tf.tidy(() => {
      const ones = tf.ones([channels]);
      const inputs = { x: tf.tensor(x, [rows, channels]), gamma: ones, beta: ones };
      const [, mean, variance] = run(BatchNormTraining, inputs, normAttrs);
      for (let c = 0; c < channels; c++) {
        const of = x.filter((_, i) => i % channels === c);
        const m = of.reduce((sum, value) => sum + value, 0) / rows;
        const v = of.reduce((sum, value) => sum + (value - m) ** 2, 0) / rows;
        expect(mean!.dataSync()[c]).toBe(Math.fround(m));
        expect(variance!.dataSync()[c]! / v).toBeCloseTo(1, 6);
      }
    });
  });

  it('lets NaN be seen', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, Number.NaN, 4], [2, 2]);
      const inputs = { x, gamma: tf.ones([2]), beta: tf.zeros([2]) };
      const [y, , variance] = run(BatchNormTraining, inputs, normAttrs);
      expect([...y!.dataSync()].map(Number.isNaN)).toEqual([true, false, true, false]);
      expect([...variance!.dataSync()].map(Number.isNaN)).toEqual([true, false]);
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const wrong = { x: tf.zeros([2, 3]), gamma: tf.ones([4]), beta: tf.ones([3]) };
      expect(() => run(BatchNormTraining, wrong, normAttrs)).toThrow(
        'gamma must have 3 numbers, but has 4',
      );
    });
  });
}

/** One op against the two that it stands for: each spike and statistic, and the gradient to rounding. */
function checkLIF(run: RunKernel, shape: number[], neuron: object, seed = 1) {
  tf.tidy(() => {
    const { x, gamma, beta, dy } = normExample(shape, seed);
    const both = { ...normAttrs, ...neuron };
    const [y, mean, variance] = run(BatchNormTraining, { x, gamma, beta }, normAttrs);
    const alone = { ...neuron, lastMembranes: false };
    const [spikes] = run(MultiStepLIF, { x: y }, alone);
    const got = run(BatchNormLIF, { x, gamma, beta }, both);
    expectSpikesEqual(got[0]!, spikes!);
    expect(got[1]!.dataSync()).toEqual(mean!.dataSync());
    expect(got[2]!.dataSync()).toEqual(variance!.dataSync());

    const behind = { x: y, dSpikes: dy, dV: tf.tensor1d([]) };
    const [through] = run(MultiStepLIFGrad, behind, alone);
    const specified = composed.batchNormTrainingGrad(
      ...([through!, x, gamma, mean!, variance!, normAttrs] as const),
    );
    const back = run(BatchNormLIFGrad, { dy, x, gamma, mean, variance, beta }, both);
    // Sums of which most cancels: dgamma and dbeta over all rows.
    expectAll(back, specified, normGradients, { rel_to_max: 1e-5 });
  });
}

/** The op with neurons is the two that it stands for. @param run has all of them */
export function itIsBatchNormLIF(run: RunKernel, shapes: number[][], numRuns: number): void {
  it.each(shapes.map((shape) => [shape]))('is the two that it stands for, of %j', (shape) =>
    checkLIF(run, shape, resolveLIF()),
  );

  it('is so for any neuron', () => {
    fc.assert(
      fc.property(
        ...([anyLIF, anySizes(2, 5, 40, 40), fc.integer({ min: 1, max: 1e6 })] as const),
        (neuron, shape, seed) => {
          fc.pre(shape[0]! * shape[1]! * shape[2]! > 1);
          checkLIF(run, shape, resolveLIF(neuron), seed);
        },
      ),
      { numRuns },
    );
  });
}
