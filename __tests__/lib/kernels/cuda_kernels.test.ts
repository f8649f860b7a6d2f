/** The CUDA kernels besides the neurons' own, compiled for this CPU, against their specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as attention from '../../../lib/kernels/attention';
import { SpikingAttention, SpikingAttentionGrad } from '../../../lib/kernels/attention';
import * as norm from '../../../lib/kernels/batch_norm';
import { BatchNormTraining, BatchNormTrainingGrad } from '../../../lib/kernels/batch_norm';
import { BatchNormLIF, BatchNormLIFGrad } from '../../../lib/kernels/batch_norm_lif';
import * as pool from '../../../lib/kernels/max_pool';
import { FirstMaxPool, FirstMaxPoolGrad } from '../../../lib/kernels/max_pool';
import { MultiStepLIF, MultiStepLIFGrad } from '../../../lib/kernels/multi_step_lif';
import { surrogateNames } from '../../../lib/kernels/surrogate';
import { AdamWStep, adamWStep, Blend, blend } from '../../../lib/kernels/updates';
import { resolveLIF } from '../../../lib/neuron_params';
import { expectClose, expectSpikesEqual } from '../../support/compare';
import { describeGpuOnCpu, runOnGpu, runThreads } from '../../support/cuda_on_cpu';

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

const epsilon = { epsilon: 1e-5 };

function normExample(shape: number[], seed = 1) {
  const channels = [shape.at(-1)!];
  const weights = { gamma: random(channels, seed + 1, 1), beta: random(channels, seed + 2) };
  return { x: random(shape, seed, 3, 2), ...weights, dy: random(shape, seed + 3) };
}

function expectAll(got: tf.Tensor[], expected: tf.Tensor[], names: string[], tolerance: object) {
  for (const [i, name] of names.entries()) {
    expect(got[i]!.shape).toEqual(expected[i]!.shape);
    expectClose(got[i]!, expected[i]!, name, { atol: 1e-5, ...tolerance });
  }
}

const gradients = ['dx', 'dgamma', 'dbeta'];

describeGpuOnCpu('batch norm as CUDA kernels, on this CPU', () => {
  it.each([
    [[7, 3]],
    [[2, 3, 5, 6]],
    [[1, 1]],
    [[300, 1, 33]],
    [[2, 3, 4100]],
    [[8, 4, 16, 16, 17]],
  ])('is the composed form, of %j, and so is its gradient', (shape) => {
    tf.tidy(() => {
      const { x, gamma, beta, dy } = normExample(shape);
      const got = runOnGpu(BatchNormTraining, { x, gamma, beta }, epsilon);
      const expected = norm.batchNormTraining(x, gamma, beta, epsilon);
      expectAll(got, expected, ['y', 'mean', 'variance'], { rtol: 1e-5 });
      const [, mean, variance] = expected;
      const back = runOnGpu(BatchNormTrainingGrad, { dy, x, gamma, mean, variance }, epsilon);
      const specified = norm.batchNormTrainingGrad(dy, x, gamma, mean, variance, epsilon);
      expectAll(back, specified, gradients, { rel_to_max: 1e-5 });
    });
  });

  // Enough rows for moments of moments of parts.
  it('has statistics as exact as float64, also far from zero', () => {
    const [rows, channels] = [400_000, 2];
    const x = Float32Array.from({ length: rows * channels }, (_, i) => 1000 + Math.sin(i) * 0.5);
    tf.tidy(() => {
      const ones = tf.ones([channels]);
      const inputs = { x: tf.tensor(x, [rows, channels]), gamma: ones, beta: ones };
      const [, mean, variance] = runOnGpu(BatchNormTraining, inputs, epsilon);
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
      const [y, , variance] = runOnGpu(BatchNormTraining, inputs, epsilon);
      expect([...y!.dataSync()].map(Number.isNaN)).toEqual([true, false, true, false]);
      expect([...variance!.dataSync()].map(Number.isNaN)).toEqual([true, false]);
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const wrong = { x: tf.zeros([2, 3]), gamma: tf.ones([4]), beta: tf.ones([3]) };
      const call = () => runOnGpu(BatchNormTraining, wrong, epsilon);
      expect(call).toThrow('gamma must have 3 numbers, but has 4');
    });
  });

  /** One op against the two that it stands for: each spike and statistic, and the gradient to rounding. */
  function checkLIF(shape: number[], neuron: object, seed = 1) {
    tf.tidy(() => {
      const { x, gamma, beta, dy } = normExample(shape, seed);
      const both = { ...epsilon, ...neuron };
      const [y, mean, variance] = runOnGpu(BatchNormTraining, { x, gamma, beta }, epsilon);
      const alone = { ...neuron, lastMembranes: false };
      const [spikes] = runOnGpu(MultiStepLIF, { x: y }, alone);
      const got = runOnGpu(BatchNormLIF, { x, gamma, beta }, both);
      expectSpikesEqual(got[0]!, spikes!);
      expect(got.slice(1).map((z) => z.dataSync())).toEqual(
        [mean!, variance!].map((z) => z.dataSync()),
      );
      const behind = { x: y, dSpikes: dy, dV: tf.tensor1d([]) };
      const [through] = runOnGpu(MultiStepLIFGrad, behind, alone);
      const saved = { x, gamma, mean, variance };
      const specified = norm.batchNormTrainingGrad(
        ...([through!, x, gamma, mean!, variance!, epsilon] as const),
      );
      const back = runOnGpu(BatchNormLIFGrad, { dy, ...saved, beta }, both);
      // Sums of which most cancels: dgamma and dbeta over all rows.
      expectAll(back, specified, gradients, { rel_to_max: 1e-5 });
    });
  }

  it.each([[[2, 1, 3]], [[1, 4, 1]], [[3, 2, 7, 1, 33]], [[2, 4, 3, 1030]], [[4, 40, 9, 20]]])(
    'with neurons behind it is the two, of %j',
    (shape) => checkLIF(shape, resolveLIF()),
  );

  it('is so for any neuron', () => {
    const neurons = fc.record({
      tau: fc.constantFrom(1.25, 2, 3, 7.3),
      vThreshold: fc.constantFrom(0.5, 1, 1.3),
      vReset: fc.constantFrom(null, 0, -0.2, 0.3),
      detachReset: fc.boolean(),
      decayInput: fc.boolean(),
      surrogate: fc.constantFrom(...surrogateNames),
    });
    const shape = fc.tuple(...([2, 5, 40, 40] as const).map((max) => fc.integer({ min: 1, max })));
    fc.assert(
      fc.property(neurons, shape, fc.integer({ min: 1, max: 1e6 }), (neuron, of, seed) => {
        fc.pre(of[0]! * of[1]! * of[2]! > 1);
        checkLIF(of, resolveLIF(neuron), seed);
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same bits in whatever order threads run', () => {
    const { x, gamma, beta, dy } = normExample([4, 4, 9, 9, 21]);
    const both = { ...epsilon, ...resolveLIF() };
    expectAnyOrder(() => {
      const made = runOnGpu(BatchNormLIF, { x, gamma, beta }, both);
      const saved = { x, gamma, beta, mean: made[1], variance: made[2] };
      return [...made, ...runOnGpu(BatchNormLIFGrad, { dy, ...saved }, both)];
    });
  });
});

describeGpuOnCpu('max pooling as CUDA kernels, on this CPU', () => {
  /** Few different values, so that maxima tie; negative too, below any padding of zeros. */
  const pools = fc
    .record({
      batch: fc.integer({ min: 0, max: 3 }),
      height: fc.integer({ min: 1, max: 9 }),
      width: fc.integer({ min: 1, max: 9 }),
      channels: fc.constantFrom(1, 3, 37),
      poolSize: fc.integer({ min: 1, max: 4 }),
      strides: fc.integer({ min: 1, max: 4 }),
      padding: fc.integer({ min: 0, max: 2 }),
      levels: fc.constantFrom(1, 2, 5, 1000),
    })
    .filter(
      ({ height, width, poolSize, padding }) =>
        padding <= poolSize / 2 && Math.min(height, width) + 2 * padding >= poolSize,
    );

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
      const attrs = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, kept: 0.99, rate: 0.1, root: 0.7 };
      const got = runOnGpu(AdamWStep, { p, g, m, v }, attrs);
      const expected = adamWStep(p!, g!, m!, v, attrs);
      expectAll(got, expected, ['p', 'm', 'v'], { rtol: 1e-6, atol: 1e-7 });
      const shares = { kept: 0.9, taken: 0.1 };
      const [blended] = runOnGpu(Blend, { old, now: p }, shares);
      expectClose(blended!, blend(old!, p!, shares), 'blend', { rtol: 1e-6, atol: 1e-7 });
    });
  });
});
