/** Pooling, convolutions and updates on tfjs-node, against their specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { installKernels } from '../../../lib/kernels';
import * as composedPool from '../../../lib/kernels/max_pool';
import { FirstMaxPool, FirstMaxPoolGrad } from '../../../lib/kernels/max_pool';
import { maxPoolKernels, nativeMaxPoolKernels } from '../../../lib/kernels/tensorflow/max_pool';
import { updateKernels } from '../../../lib/kernels/tensorflow/updates';
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
  it.each([...variables.map((shape) => [shape]), [variables.flat()]])(
    'of %j are the composed form to the bit',
    (shapes) => {
      tf.tidy(() => {
        const random = (first: number) =>
          shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', first + i));
        const [old, now] = [random(1), random(100)];
        const attrs = { kept: 0.9, taken: 0.1003 };
        const got = run(updateKernels, Blend, blendInputs(old, now), attrs);
        expect(got.map(({ shape }) => shape)).toEqual(shapes);
        const expected = old.map((each, i) => blend(each, now[i]!, attrs));
        expect(got.map((x) => x.dataSync())).toEqual(expected.map((x) => x.dataSync()));
      });
    },
  );

  it('names what does not fit', () => {
    tf.tidy(() => {
      const [two, three] = [tf.zeros([2]), tf.zeros([3])];
      const wrong = blendInputs([three, two], [three, three]);
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
