/** The native op of spikes' convolutions with a max pool behind them, against the two ops that it replaces. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { layers } from 'tfjs-spikingformer';
import { installKernels, scaleAndShift } from '../../../lib/kernels';
import { SpikeConv2DPool } from '../../../lib/kernels/spike_conv_pool';
import { tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { multipliesByAmx } from '../../../lib/kernels/tensorflow/native_ops';
import {
  skippingConv,
  skippingConvLIF,
  skippingConvPool,
} from '../../../lib/kernels/tensorflow/spikes';
import { maxPoolOverTime } from '../../../lib/max_pool';
import { resolveLIF } from '../../../lib/neuron_params';
import { spikeConv2d, spikeConvPool } from '../../../lib/spike_conv';
import '../../support/backends';
import { anySizes } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { describeNativeOps } from '../../support/tensorflow';

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const spikesOf = (shape: number[], density: number, seed = 1) =>
  tf.randomUniform(shape, 0, 1, 'float32', seed).less(density).cast('float32');
const pool = { poolSize: 3, strides: 2, padding: 1 };

/** The weights of a frozen batch norm. */
function normOf(channels: number) {
  const [gamma, beta, mean, bias] = [11, 12, 13, 14].map((seed) => normal([channels], seed));
  const variance = normal([channels], 15).square();
  return { gamma: gamma!, beta: beta!, mean: mean!, variance, bias };
}

describeNativeOps('convolutions of spikes with a pool behind them', () => {
  const backend = () => tensorflowBackend()!;
  beforeAll(installKernels);

  test('are the same bits as the two ops', () => {
    const sizes = fc.record({
      sides: anySizes(3, 3, 12, 40, 24),
      size: fc.constantFrom(3, 5),
      filters: fc.integer({ min: 1, max: 150 }),
      density: fc.constantFrom(0, 0.05, 0.3, 1),
      real: fc.boolean(),
      given: fc.constantFrom(
        pool,
        { poolSize: 1, strides: 2, padding: 0 },
        { poolSize: 2, strides: 1, padding: 1 },
      ),
    });
    fc.assert(
      fc.property(sizes, ({ sides, size, filters, density, real, given }) => {
        tf.tidy(() => {
          const x = spikesOf(sides, density).mul(real ? 0.7 : 1);
          const filter = normal([size, size, sides.at(-1)!, filters], 2);
          const norm = normOf(filters);
          const attrs = { ...given, epsilon: 1e-5 };
          const pooled = skippingConvPool(backend(), { x, filter, ...norm } as never, attrs, 2);
          const byAmx = [x, filter].every((tensor) => tensor.shape.at(-1)! % 16 === 0);
          if (!real && byAmx && multipliesByAmx(false)) {
            expect(pooled).toBeNull(); // by AMX the product is an op of its own
            return;
          }
          const affine = scaleAndShift({ norm, epsilon: 1e-5 });
          const y = skippingConv(backend(), x, filter, { affine, most: 2 }).y!;
          const expected = maxPoolOverTime(y, given);
          expect(pooled!.shape).toEqual(expected.shape);
          expect(pooled!.dataSync()).toEqual(expected.dataSync());
        });
      }),
      { numRuns: 30 },
    );
  });

  test('are the two ops if x has few zeros, a weight is infinite, or the filter is a pixel', () => {
    tf.tidy(() => {
      const shape = [2, 4, 16, 16, 32];
      const affine = { norm: normOf(64), epsilon: 1e-5 };
      const filter = normal([3, 3, 32, 64], 2) as tf.Tensor4D;
      const check = (x: tf.Tensor, weights: tf.Tensor4D) => {
        const inputs = { x, filter: weights, ...affine.norm };
        const alone = skippingConvPool(backend(), inputs as never, { ...pool, epsilon: 1e-5 });
        expect(alone).toBeNull();
        const pooled = spikeConvPool(x, weights, affine, pool);
        const expected = maxPoolOverTime(spikeConv2d(x, weights, affine), pool);
        expect(pooled.dataSync()).toEqual(expected.dataSync());
      };
      check(tf.ones(shape), filter);
      check(spikesOf(shape, 0.2), filter.div(0));
      check(spikesOf(shape, 0.2), normal([1, 1, 32, 64], 2) as tf.Tensor4D);
    });
  });

  test('take spikes as bits', () => {
    tf.tidy(() => {
      const attrs = { ...resolveLIF(), epsilon: 0 };
      const [scale, shift] = [tf.fill([32], 2), tf.zeros([32])];
      const fired = skippingConvLIF(
        backend(),
        { x: spikesOf([2, 4, 9, 9, 20], 0.3), filter: normal([3, 3, 20, 32], 3), scale, shift },
        attrs,
        2,
      )!;
      const filter = normal([3, 3, 32, 40], 4);
      const given = { ...pool, epsilon: 1e-5 };
      const inputs = { filter, ...normOf(40) };
      const ofBits = skippingConvPool(backend(), { x: fired, ...inputs } as never, given, 2)!;
      const numbers = fired.mul(1);
      const ofNumbers = skippingConvPool(backend(), { x: numbers, ...inputs } as never, given, 2)!;
      expect(ofBits.dataSync()).toEqual(ofNumbers.dataSync());
    });
  });

  test('are what a CML downsampling runs at inference, and leave nothing behind', async () => {
    const layer = layers.cmlDownsample({ filters: 64 });
    const x = spikesOf([2, 4, 16, 16, 32], 0.2);
    const run = () => layer.apply(x) as tf.Tensor;
    run().dispose(); // builds it
    const { kernelNames } = await tf.profile(() => tf.tidy(run));
    expect(kernelNames).toContain(SpikeConv2DPool);
    await expectNoLeak(() => run().dispose());
    layer.setCallHook(() => {}); // of the layer around them, which is called as before
    expect((await tf.profile(() => tf.tidy(run))).kernelNames).toContain(SpikeConv2DPool);
    layer.sublayers[0]!.setCallHook(() => {});
    expect((await tf.profile(() => tf.tidy(run))).kernelNames).not.toContain(SpikeConv2DPool);
    layer.dispose();
    x.dispose();
  });

  test('refuse images that are smaller than the window, and inputs that are no norm', () => {
    tf.tidy(() => {
      const x = spikesOf([1, 1, 2, 2, 8], 0.2);
      const filter = normal([3, 3, 8, 8], 2);
      const run = (inputs: object, given: object) =>
        skippingConvPool(backend(), { x, filter, ...inputs } as never, given as never, 2);
      const wide = { poolSize: 5, strides: 1, padding: 1, epsilon: 0 };
      expect(() => run(normOf(8), wide)).toThrow('x must have images no smaller than the window');
      const given = { ...pool, epsilon: 0 };
      expect(() => run(normOf(7), given)).toThrow('gamma must have 8 numbers, but has 7');
    });
  });
});
