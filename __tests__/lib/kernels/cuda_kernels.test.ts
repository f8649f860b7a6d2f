/** The CUDA kernels besides the neurons' own, compiled for this CPU, against their specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as attention from '../../../lib/kernels/attention';
import { SpikingAttention, SpikingAttentionGrad } from '../../../lib/kernels/attention';
import { BatchNormLIF, BatchNormLIFGrad } from '../../../lib/kernels/batch_norm_lif';
import * as pool from '../../../lib/kernels/max_pool';
import { FirstMaxPool, FirstMaxPoolGrad } from '../../../lib/kernels/max_pool';
import {
  AdamWStep,
  adamWInputs,
  adamWStep,
  Blend,
  blend,
  blendInputs,
  RunningStatistics,
  runningStatistics,
} from '../../../lib/kernels/updates';
import { resolveLIF } from '../../../lib/neuron_params';
import { expectClose } from '../../support/compare';
import { describeGpuOnCpu, runOnGpu, runThreads } from '../../support/cuda_on_cpu';
import { anyPool } from '../../support/kernels';
import {
  expectAll,
  itIsBatchNorm,
  itIsBatchNormLIF,
  itIsExact,
  normAttrs,
  normExample,
} from '../../support/norm_spec';

const random = (shape: number[], seed: number, mean = 0, deviation = 1) =>
  tf.randomNormal(shape, mean, deviation, 'float32', seed);

/** The same bits in whatever order threads run. */
function expectAnyOrder(run: () => tf.Tensor[]) {
  const once = (order: 'forward' | 'backward') => {
    runThreads(order);
    return tf.tidy(() => run().map((tensor) => tensor.dataSync()));
  };
  const backward = once('backward');
  expect(backward).toEqual(once('forward'));
}

describeGpuOnCpu('batch norm as CUDA kernels, on this CPU, is the composed form', () => {
  itIsBatchNorm(runOnGpu, [
    [7, 3],
    [2, 3, 5, 6],
    [1, 1],
    [300, 1, 33],
    [2, 3, 4100],
    [8, 4, 16, 16, 17],
  ]);
  itIsExact(runOnGpu, 400_000, 2); // Enough rows for moments of moments of parts.
  itIsBatchNormLIF(
    runOnGpu,
    [
      [2, 1, 3],
      [1, 4, 1],
      [3, 2, 7, 1, 33],
      [2, 4, 3, 1030],
      [4, 40, 9, 20],
    ],
    40,
  );

  it('gives the same bits in whatever order threads run', () => {
    const { x, gamma, beta, dy } = normExample([4, 4, 9, 9, 21]);
    const both = { ...normAttrs, ...resolveLIF() };
    expectAnyOrder(() => {
      const made = runOnGpu(BatchNormLIF, { x, gamma, beta }, both);
      const saved = { x, gamma, beta, mean: made[1], variance: made[2] };
      return [...made, ...runOnGpu(BatchNormLIFGrad, { dy, ...saved }, both)];
    });
  });
});

describeGpuOnCpu('max pooling as CUDA kernels, on this CPU', () => {
  const pools = anyPool(1, 3, 37);

  it('takes the first maximum', () => {
    fc.assert(
      fc.property(pools, ({ batch, height, width, channels, levels, ...attrs }) => {
        tf.tidy(() => {
          const shape = [batch, height, width, channels];
          const x = tf.randomUniform(shape, -levels, 0.5, 'float32', 7).floor() as tf.Tensor4D;
          const y = pool.firstMaxPool(x, attrs);
          expectClose(runOnGpu(FirstMaxPool, { x }, attrs)[0]!, y, 'y', { atol: 0 });
          const dy = random(y.shape, 8) as tf.Tensor4D;
          const [dx] = runOnGpu(FirstMaxPoolGrad, { dy, x }, attrs);
          const expected = pool.firstMaxPoolGrad(dy, x, attrs);
          expectClose(dx!, expected, 'dx', { rel_to_max: 1e-6, atol: 1e-6 });
        });
      }),
      { numRuns: 80 },
    );
  });

  it('refuses a dy of another size', () => {
    tf.tidy(() => {
      const inputs = { x: tf.ones([1, 4, 4, 1]), dy: tf.ones([1, 3, 2, 1]) };
      const call = () =>
        runOnGpu(FirstMaxPoolGrad, inputs, { poolSize: 2, strides: 2, padding: 0 });
      expect(call).toThrow('dy must have the sides that x is pooled to');
    });
  });
});

describeGpuOnCpu('attention as CUDA kernels, on this CPU', () => {
  it.each([
    [[2, 3, 5, 24], 3], // fewer tokens than channels of a head
    [[2, 3, 13, 24], 3],
    [[1, 2, 3, 4, 10], 1],
    [[0, 2, 3, 4], 2],
  ])('is its stock ops, of %j in %i heads, and so is its gradient', (shape, numHeads) => {
    tf.tidy(() => {
      const [q, k, v] = [1, 2, 3].map((seed) => random(shape, seed)) as tf.Tensor[];
      const dy = random(shape, 4);
      const attrs = { numHeads, scale: 0.125 };
      const form = (...of: tf.Tensor[]) =>
        attention.spikingAttention(of[0]!, of[1]!, of[2]!, attrs);
      const [y] = runOnGpu(SpikingAttention, { q, k, v }, attrs);
      expectClose(y!, form(q!, k!, v!), 'y', { rel_to_max: 1e-6, atol: 0 });
      const got = runOnGpu(SpikingAttentionGrad, { dy, q, k, v }, attrs);
      const expected = tf.grads(form)([q!, k!, v!], dy);
      expectAll(got, expected, ['dq', 'dk', 'dv'], { rel_to_max: 1e-6 });
    });
  });

  it('gives the same bits in whatever order threads run', () => {
    const [dy, q, k, v] = [1, 2, 3, 4].map((seed) => random([2, 2, 17, 30], seed));
    const attrs = { numHeads: 5, scale: 0.25 };
    expectAnyOrder(() => [
      ...runOnGpu(SpikingAttention, { q, k, v }, attrs),
      ...runOnGpu(SpikingAttentionGrad, { dy, q, k, v }, attrs),
    ]);
  });
});

describeGpuOnCpu('updates as CUDA kernels, on this CPU', () => {
  it('are the composed forms', () => {
    tf.tidy(() => {
      const shape = [3, 7, 11];
      const [p, g, m, old] = [1, 2, 3, 4].map((seed) => random(shape, seed)) as tf.Tensor[];
      const v = old!.square();
      const same = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
      const factors = [
        { ...same, kept: 0.99, rate: 0.1, root: 0.7 },
        { ...same, kept: 1, rate: 0.2, root: 0.4 },
      ];
      // Two variables: the second is the first with other factors, of another shape.
      const lists = [p!, g!, m!, v].map((x) => [x, x.flatten()]);
      const inputs = adamWInputs({ p: lists[0]!, g: lists[1]!, m: lists[2]!, v: lists[3]! });
      const got = runOnGpu(AdamWStep, inputs, { factors });
      const [first, second] = factors.map((each) => adamWStep(p!, g!, m!, v, each));
      const expected = first!.flatMap((x, i) => [x, second![i]!.flatten()]);
      const names = ['p', 'm', 'v'].flatMap((name) => [name, `the second ${name}`]);
      expectAll(got, expected, names, { rtol: 1e-6, atol: 1e-7 });
      const shares = { kept: 0.9, taken: 0.1, takenVariance: 0.11 };
      const averaged = runOnGpu(
        Blend,
        blendInputs([old!, m!.flatten()], [p!, g!.flatten()]),
        shares,
      );
      const blends = [blend(old!, p!, shares), blend(m!, g!, shares).flatten()];
      expectAll(averaged, blends, ['blend', 'the second blend'], { rtol: 1e-6, atol: 1e-7 });
      const statistics = { mean: m!, variance: v, batchMean: g!, batchVariance: v.square() };
      for (const inputs of [statistics, { ...statistics, bias: p! }]) {
        const averages = runOnGpu(RunningStatistics, inputs, shares);
        const composed = runningStatistics(inputs, shares);
        expectAll(averages, composed, ['mean', 'variance'], { rtol: 1e-6, atol: 1e-7 });
      }
    });
  });
});
