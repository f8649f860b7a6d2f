/** Max pooling that keeps the places of its maxima, against the one that keeps its images. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { maxPool2d } from 'tfjs-spikingformer';
import {
  FirstMaxPool,
  FirstMaxPoolGrad,
  PlacedMaxPool,
  PlacedMaxPoolGrad,
} from '../../../lib/kernels/max_pool';
import {
  nativeMaxPoolKernels,
  placedMaxPoolKernels,
} from '../../../lib/kernels/tensorflow/max_pool';
import '../../support/backends';
import { anyPool, runnerOf } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { describeNativeOps } from '../../support/tensorflow';

const run = runnerOf([...nativeMaxPoolKernels, ...placedMaxPoolKernels]);

/** NaN equals NaN. */
const expectSame = (got: tf.Tensor, expected: tf.Tensor) => {
  expect(got.shape).toEqual(expected.shape);
  expect(got.dataSync()).toEqual(expected.dataSync());
};

describeNativeOps('max pooling that keeps places', () => {
  test('pools, and gives the gradient to the same numbers', () => {
    const pools = fc.tuple(anyPool(1, 3, 16, 37, 300), fc.boolean());
    fc.assert(
      fc.property(pools, ([{ batch, height, width, channels, levels, ...attrs }, hasNaN]) => {
        tf.tidy(() => {
          const x = tf
            .randomUniform([batch, height, width, channels], -levels, 0.5, 'float32', 7)
            .floor();
          const images = hasNaN ? tf.where(x.less(-1), tf.fill(x.shape, NaN), x) : x;
          const placed = { ...attrs, sides: [height, width] };
          const [y, places] = run(PlacedMaxPool, { x: images }, placed) as [tf.Tensor, tf.Tensor];
          expectSame(y, run(FirstMaxPool, { x: images }, attrs)[0]!);
          expect(places.size).toBe(Math.ceil(y.size / 4));
          const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 8);
          const [dx] = run(PlacedMaxPoolGrad, { dy, places }, placed);
          const [expected] = run(FirstMaxPoolGrad, { dy, x: images }, attrs);
          expectSame(dx!, expected!);
        });
      }),
      { numRuns: 150 },
    );
  });

  test('serves maxPool2d while a gradient is recorded, but for windows that are too large', async () => {
    const x = tf.randomNormal([2, 40, 40, 5], 0, 1, 'float32', 1) as tf.Tensor4D;
    for (const poolSize of [3, 17]) {
      await expectNoLeak(() =>
        tf.tidy(() => {
          const attrs = { poolSize, strides: 2, padding: 1 };
          const dx = tf.grad((images) => maxPool2d(images as tf.Tensor4D, attrs))(x);
          const dy = tf.onesLike(maxPool2d(x, attrs));
          expectSame(dx, run(FirstMaxPoolGrad, { dy, x }, attrs)[0]!);
        }),
      );
    }
    x.dispose();
  });

  test('refuses what does not fit', () => {
    tf.tidy(() => {
      const attrs = { poolSize: 2, strides: 2, padding: 0, sides: [4, 4] };
      const [, places] = run(PlacedMaxPool, { x: tf.ones([1, 4, 4, 9]) }, attrs);
      const gradient = (shape: number[]) =>
        run(PlacedMaxPoolGrad, { dy: tf.ones(shape), places: places! }, attrs);
      expect(() => gradient([1, 3, 2, 9])).toThrow('of the sides that images are pooled to');
      expect(() => gradient([2, 2, 2, 9])).toThrow("places must be those of dy's numbers");
      expect(() =>
        run(PlacedMaxPool, { x: tf.ones([1, 20, 20, 1]) }, { ...attrs, poolSize: 17 }),
      ).toThrow('pool_size must be at most 16');
    });
  });
});
