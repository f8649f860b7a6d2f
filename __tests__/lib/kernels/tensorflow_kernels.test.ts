/** Pooling, convolutions and AdamW on tfjs-node, against their specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { adamWStep } from '../../../lib/kernels/composed/adamw';
import * as composedPool from '../../../lib/kernels/composed/max_pool';
import { installKernels } from '../../../lib/kernels/install';
import { AdamWStep, FirstMaxPool, FirstMaxPoolGrad } from '../../../lib/kernels/spec';
import { adamWKernel } from '../../../lib/kernels/tensorflow/adamw';
import { maxPoolKernels, nativeMaxPoolKernels } from '../../../lib/kernels/tensorflow/max_pool';
import '../../support/backends';
import { expectClose } from '../../support/compare';
import { describeNativeOps, describeTensorflow } from '../../support/tensorflow';

function run(kernels: tf.KernelConfig[], name: string, inputs: tf.NamedTensorMap, attrs: object) {
  const { kernelFunc } = kernels.find(({ kernelName }) => kernelName === name)!;
  return [
    kernelFunc({ inputs, backend: tf.backend(), attrs: attrs as tf.NamedAttrMap }),
  ].flat() as tf.Tensor[];
}

/** Few different values, so that maxima tie; negative too, below any padding of zeros. */
const pools = fc
  .record({
    batch: fc.integer({ min: 0, max: 3 }),
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 9 }),
    channels: fc.constantFrom(1, 3, 16, 37, 300),
    poolSize: fc.integer({ min: 1, max: 4 }),
    strides: fc.integer({ min: 1, max: 4 }),
    padding: fc.integer({ min: 0, max: 2 }),
    levels: fc.constantFrom(1, 2, 5, 1000),
  })
  .filter(
    ({ height, width, poolSize, padding }) =>
      padding <= poolSize / 2 && Math.min(height, width) + 2 * padding >= poolSize,
  );

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

describeNativeOps('AdamW as a native op', () => {
  it.each([[[]], [[0, 3]], [[5]], [[3, 3, 64, 129]]])('of %j is the composed form', (shape) => {
    tf.tidy(() => {
      const random = (seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
      const [p, g, m, v] = [random(1), random(2), random(3), random(4).square()];
      for (const kept of [1, 0.97]) {
        const attrs = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, kept, rate: 0.01, root: 0.3 };
        const got = run([adamWKernel], AdamWStep, { p, g, m, v }, attrs);
        const expected = adamWStep(p, g, m, v, attrs);
        for (const [i, name] of ['p', 'm', 'v'].entries()) {
          expect(got[i]!.shape).toEqual(shape);
          expectClose(got[i]!, expected[i]!, name, { rtol: 1e-6, atol: 1e-7 });
        }
      }
    });
  });
});
