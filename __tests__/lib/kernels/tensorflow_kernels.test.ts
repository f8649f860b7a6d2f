/** Pooling, convolutions, updates and attention on tfjs-node, against their specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { multiHeadSpikingAttention } from '../../../lib/attention';
import { installKernels } from '../../../lib/kernels';
import {
  SpikingAttention,
  SpikingAttentionGrad,
  spikingAttention,
} from '../../../lib/kernels/attention';
import * as composedPool from '../../../lib/kernels/max_pool';
import { FirstMaxPool, FirstMaxPoolGrad } from '../../../lib/kernels/max_pool';
import { attentionKernels } from '../../../lib/kernels/tensorflow/attention';
import { maxPoolKernels, nativeMaxPoolKernels } from '../../../lib/kernels/tensorflow/max_pool';
import { updateKernels } from '../../../lib/kernels/tensorflow/updates';
import {
  AdamWStep,
  adamWInputs,
  adamWStep,
  Blend,
  blend,
  RunningStatistics,
  runningStatistics,
} from '../../../lib/kernels/updates';
import '../../../lib'; // Registers the gradients.
import '../../support/backends';
import { expectClose } from '../../support/compare';
import { anyPool, type RunKernel, runnerOf } from '../../support/kernels';
import { describeNativeOps, describeTensorflow } from '../../support/tensorflow';

const run = (kernels: tf.KernelConfig[], ...call: Parameters<RunKernel>) =>
  runnerOf(kernels)(...call);

const pools = anyPool(1, 3, 16, 37, 300);

function poolsAsSpecified(kernels: tf.KernelConfig[]) {
  fc.assert(
    fc.property(pools, ({ batch, height, width, channels, levels, ...attrs }) => {
      tf.tidy(() => {
        const shape = [batch, height, width, channels];
        const x = tf.randomUniform(shape, -levels, 0.5, 'float32', 7).floor() as tf.Tensor4D;
        const y = composedPool.firstMaxPool(x, attrs);
        const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 8) as tf.Tensor4D;
        const [pooled] = run(maxPoolKernels, FirstMaxPool, { x }, attrs);
        expectClose(pooled!, y, 'y', { atol: 0 });
        const [dx] = run(kernels, FirstMaxPoolGrad, { dy, x }, attrs);
        const expected = composedPool.firstMaxPoolGrad(dy, x, attrs);
        expectClose(dx!, expected, 'dx', { rel_to_max: 1e-6, atol: 1e-6 });
      });
    }),
    { numRuns: 150 },
  );
}

describeTensorflow('max pooling as TensorFlow ops', () => {
  it('pools as PyTorch, and gives the gradient to the first maximum', () =>
    poolsAsSpecified(maxPoolKernels));
});

describeNativeOps('the gradient of max pooling as an op of ours', () => {
  it('goes to the first maximum', () => poolsAsSpecified(nativeMaxPoolKernels));

  it('refuses a dy of another size', () => {
    tf.tidy(() => {
      const inputs = { x: tf.ones([1, 4, 4, 1]), dy: tf.ones([1, 3, 2, 1]) };
      const attrs = { poolSize: 2, strides: 2, padding: 0 };
      expect(() => run(nativeMaxPoolKernels, FirstMaxPoolGrad, inputs, attrs)).toThrow(
        'dy must have the sides that x is pooled to',
      );
    });
  });
});

describeTensorflow('convolution with padding in numbers', () => {
  type Padding = Parameters<typeof tf.conv2d>[3];
  const onBackend = (backend: string, pad: Padding, strides: number, side: number) => {
    tf.setBackend(backend);
    installKernels();
    const random = (shape: [number, number, number, number], seed: number) =>
      tf.randomNormal(shape, 0, 1, 'float32', seed);
    const [x, filter] = [random([2, side, 8, 3], 1), random([3, 3, 3, 5], 2)];
    const conv = (a: tf.Tensor, b: tf.Tensor) =>
      tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad);
    const y = conv(x, filter);
    const gradients = tf.grads(conv)(
      [x, filter],
      random(y.shape as [number, number, number, number], 3),
    );
    return [y, ...gradients].map((t) => ({ shape: t.shape, data: t.dataSync() as Float32Array }));
  };

  it.each<[Padding, number, number]>([
    ['same', 1, 8],
    ['valid', 2, 7],
    [1, 1, 8],
    [1, 2, 8],
    [1, 2, 7],
    [2, 3, 9],
    [
      [
        [0, 0],
        [1, 0],
        [0, 1],
        [0, 0],
      ],
      1,
      6,
    ],
  ])(
    '%j with stride %i on a side of %i is what cpu computes, and so are the gradients',
    (...args) => {
      tf.tidy(() => {
        const expected = onBackend('cpu', ...args);
        const got = onBackend('tensorflow', ...args);
        for (const [i, name] of ['y', 'dx', 'dfilter'].entries()) {
          expectClose(got[i]!, expected[i]!, name, { rel_to_max: 1e-5, atol: 1e-6 });
        }
      });
    },
  );
});

const variables = [[[]], [[0, 3]], [[5]], [[3, 3, 64, 129]]];

describeNativeOps('moving averages as a native op', () => {
  it.each(variables)('of %j are the composed form to the bit', (shape) => {
    tf.tidy(() => {
      const [old, now] = [1, 2].map((seed) => tf.randomNormal(shape, 0, 1, 'float32', seed));
      const attrs = { kept: 0.9, taken: 0.1003 };
      const [got] = run(updateKernels, Blend, { old: old!, now: now! }, attrs);
      expect(got!.shape).toEqual(shape);
      expect(got!.dataSync()).toEqual(blend(old!, now!, attrs).dataSync());
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const wrong = { old: tf.zeros([2]), now: tf.zeros([3]) };
      const attrs = { kept: 1, taken: 1 };
      expect(() => run(updateKernels, Blend, wrong, attrs)).toThrow('now must have 2 numbers');
    });
  });
});

describeNativeOps('running statistics as a native op', () => {
  const attrs = { kept: 0.9, taken: 0.1003, takenVariance: 0.1004 };

  it.each([0, 1, 7, 256])('of %i channels are the composed form to the bit', (channels) => {
    tf.tidy(() => {
      const random = (seed: number) => tf.randomNormal([channels], 0, 1, 'float32', seed);
      const [mean, variance, batchMean, batchVariance, bias] = [1, 2, 3, 4, 5].map(random) as [
        ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
      ];
      const statistics = { mean, variance, batchMean, batchVariance };
      for (const inputs of [statistics, { ...statistics, bias }]) {
        const got = run(updateKernels, RunningStatistics, inputs, attrs);
        const expected = runningStatistics(inputs, attrs);
        expect(got.map(({ shape }) => shape)).toEqual([[channels], [channels]]);
        expect(got.map((x) => x.dataSync())).toEqual(expected.map((x) => x.dataSync()));
      }
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const [two, three] = [tf.zeros([2]), tf.zeros([3])];
      const wrong = { mean: two, variance: two, batchMean: three, batchVariance: two };
      const update = () => run(updateKernels, RunningStatistics, wrong, attrs);
      expect(update).toThrow('batch_mean must have 2 numbers');
    });
  });
});

describeNativeOps('AdamW as a native op', () => {
  const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

  it('of variables of any shapes, each with its factors, is the composed form', () => {
    tf.tidy(() => {
      const shapes = variables.map(([shape]) => shape!);
      const lists = [1, 2, 3].map((seed) => shapes.map((shape) => random(shape, seed)));
      const [p, g, m] = lists as [tf.Tensor[], tf.Tensor[], tf.Tensor[]];
      const v = shapes.map((shape) => random(shape, 4).square());
      const factors = shapes.map((_, i) => ({
        ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        ...{ kept: i % 2 === 0 ? 1 : 0.97, rate: 0.01 * (i + 1), root: 0.3 + 0.1 * i },
      }));
      const got = run(updateKernels, AdamWStep, adamWInputs({ p, g, m, v }), { factors });
      expect(got.length).toBe(3 * shapes.length);
      for (const [i, shape] of shapes.entries()) {
        const expected = adamWStep(p[i]!, g[i]!, m[i]!, v[i]!, factors[i]!);
        for (const [output, name] of ['p', 'm', 'v'].entries()) {
          const one = got[output * shapes.length + i]!;
          expect(one.shape).toEqual(shape);
          expectClose(one, expected[output]!, `${name} of ${i}`, { rtol: 1e-6, atol: 1e-7 });
        }
      }
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const factors = [1, 2].map(() => {
        return { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, kept: 1, rate: 0.01, root: 0.3 };
      });
      const [right, wrong] = [tf.zeros([2]), tf.zeros([3])];
      const pair = [right, right];
      const inputs = adamWInputs({ p: pair, g: [right, wrong], m: pair, v: pair });
      const step = () => run(updateKernels, AdamWStep, inputs, { factors });
      expect(step).toThrow('gradient must have 2 numbers, but has 3');
    });
  });
});

describeNativeOps('spiking attention as a native op', () => {
  type Heads = [dy: tf.Tensor, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor];
  const spikes = (shape: number[], seed: number) =>
    tf.randomUniform(shape, 0, 1, 'float32', seed).less(0.3).cast('float32');
  const whole = (shape: number[], seed: number) =>
    tf.randomUniform(shape, -8, 8, 'float32', seed).round();
  const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

  const native = ([dy, q, k, v]: Heads, attrs: { numHeads: number; scale: number }) => [
    ...run(attentionKernels, SpikingAttention, { q, k, v }, attrs),
    ...run(attentionKernels, SpikingAttentionGrad, { dy, q, k, v }, attrs),
  ];
  const composed = ([dy, ...inputs]: Heads, attrs: { numHeads: number; scale: number }) => {
    const attend = (...[q, k, v]: tf.Tensor[]) => spikingAttention(q!, k!, v!, attrs);
    return [attend(...inputs), ...tf.grads(attend)(inputs, dy)];
  };
  const names = ['y', 'dq', 'dk', 'dv'];
  const headDims = [1, 2, 3, 5, 8, 16, 31, 32, 33, 48, 64, 65, 100, 130];

  it('is what multiHeadSpikingAttention runs', () => {
    tf.tidy(() => {
      const x = spikes([1, 2, 3, 4], 1);
      multiHeadSpikingAttention(x, x, x, { numHeads: 2 });
      for (const { kernelName, kernelFunc } of attentionKernels) {
        expect(tf.getKernel(kernelName, 'tensorflow').kernelFunc).toBe(kernelFunc);
      }
    });
  });

  it('is the composed form for heads of any size: of spikes to the bit', () => {
    fc.assert(
      fc.property(
        fc.record({
          tokens: fc.integer({ min: 1, max: 80 }),
          headDim: fc.constantFrom(...headDims),
          numHeads: fc.integer({ min: 1, max: 3 }),
          time: fc.integer({ min: 1, max: 3 }),
          seed: fc.integer({ min: 1, max: 1e6 }),
        }),
        ({ tokens, headDim, numHeads, time, seed }) => {
          tf.tidy(() => {
            const shape = [2, time, tokens, numHeads * headDim];
            const [q, k, v] = [1, 2, 3].map((i) => spikes(shape, seed + i));
            const exact: Heads = [whole(shape, seed), q!, k!, v!];
            // 0.3 is no power of two: what is scaled must be the whole number, after the last sum.
            const [y] = native(exact, { numHeads, scale: 0.3 });
            const [expectedY] = composed(exact, { numHeads, scale: 0.3 });
            expectClose(y!, expectedY!, 'y of spikes', { atol: 0 });
            const attrs = { numHeads, scale: 0.25 };
            const expected = composed(exact, attrs);
            for (const [i, got] of native(exact, attrs).entries()) {
              expect(got.shape).toEqual(shape);
              expectClose(got, expected[i]!, `${names[i]} of spikes`, { atol: 0 });
            }
            const real = [1, 2, 3, 4].map((i) => normal(shape, seed + i)) as Heads;
            const rounded = composed(real, attrs);
            for (const [i, got] of native(real, attrs).entries()) {
              expectClose(got, rounded[i]!, names[i]!, { rel_to_max: 1e-5, atol: 1e-6 });
            }
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps nothing but q, k and v, as bits, for the gradient', () => {
    tf.tidy(() => {
      const x = spikes([2, 2, 9, 8], 1);
      const { backend } = tf.engine();
      const attend = (q: tf.Tensor) => {
        const before = backend.numDataIds();
        const y = multiHeadSpikingAttention(q, x, x, { numHeads: 2 });
        expect(backend.numDataIds() - before).toBe(2); // y and the bits
        return y;
      };
      tf.grad(attend)(x);
    });
  });

  it('gives the same bits whether one thread or several share the heads', () => {
    tf.tidy(() => {
      const shape = [6, 4, 64, 256];
      const attrs = { numHeads: 8, scale: 0.125 };
      const all = [1, 2, 3, 4].map((i) => normal(shape, i)) as Heads;
      const together = native(all, attrs);
      // The heads of one time step alone are too few for a second thread.
      const [sample, step] = [3, 2];
      const part = (x: tf.Tensor) => x.slice([sample, step, 0, 0], [1, 1, 64, 256]);
      const alone = native(all.map(part) as Heads, attrs);
      for (const [i, name] of names.entries()) {
        expectClose(part(together[i]!), alone[i]!, name, { atol: 0 });
      }
      for (let repeat = 0; repeat < 5; repeat++) {
        for (const [i, again] of native(all, attrs).entries()) {
          expectClose(again, together[i]!, names[i]!, { atol: 0 });
        }
      }
    });
  });

  it('takes batches of nothing', () => {
    tf.tidy(() => {
      const attrs = { numHeads: 2, scale: 1 };
      for (const shape of [
        [0, 2, 3, 4],
        [2, 2, 0, 4],
        [2, 0, 3, 4],
        [1, 2, 3, 0],
      ]) {
        const none = tf.zeros(shape);
        for (const y of native([none, none, none, none], attrs)) expect(y.shape).toEqual(shape);
      }
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const [q, v] = [tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 2])];
      const attend = (numHeads: number) => () =>
        run(attentionKernels, SpikingAttention, { q, k: q, v }, { numHeads, scale: 1 });
      expect(attend(2)).toThrow('v must have 24 numbers, but has 12');
      expect(attend(3)).toThrow('q must be [batch, time, ...tokens, channels]');
    });
  });
});
