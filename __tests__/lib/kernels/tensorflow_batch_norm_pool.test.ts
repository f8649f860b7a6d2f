/** The native op of batch norm with a max pool behind it, against the two ops that it replaces. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as spiking from '../../../index';
import { installKernels, runBatchNormPool, runBatchNormTraining } from '../../../lib/kernels';
import { BatchNormPool, BatchNormPoolGrad } from '../../../lib/kernels/batch_norm_pool';
import { runFirstMaxPool } from '../../../lib/kernels/max_pool';
import { placedMaxPoolKernels } from '../../../lib/kernels/tensorflow/max_pool';
import '../../support/backends';
import { expectClose } from '../../support/compare';
import { anyPool, runnerOf } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { describeNativeOps } from '../../support/tensorflow';

const run = runnerOf(placedMaxPoolKernels);
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

describeNativeOps('batch norm with a max pool behind it', () => {
  beforeAll(installKernels);

  const twoOps =
    (pool: object, shape: number[]) => (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => {
      const [y] = runBatchNormTraining(x, gamma, beta, { epsilon: 1e-5 });
      return runFirstMaxPool(y.reshape(shape) as tf.Tensor4D, pool as never);
    };

  test('pools what the norm gives, and has the gradients of the two ops', () => {
    fc.assert(
      fc.property(
        anyPool(1, 4, 16, 37, 200),
        fc.integer({ min: 1, max: 1e6 }),
        ({ batch: more, height, width, channels, levels: _, ...pool }, seed) => {
          tf.tidy(() => {
            const batch = more + 1;
            const images = [batch * 2, height, width, channels];
            const x = normal([batch, 2, height, width, channels], seed);
            const [gamma, beta] = [normal([channels], seed + 1), normal([channels], seed + 2)];
            const attrs = { ...pool, epsilon: 1e-5 };
            const [y, mean, variance] = runBatchNormPool(x, gamma, beta, attrs);
            const expected = twoOps(pool, images)(x, gamma, beta);
            expect(y.shape).toEqual([batch, 2, ...expected.shape.slice(1)]);
            expect(y.dataSync()).toEqual(expected.dataSync());
            const [, ...moments] = runBatchNormTraining(x, gamma, beta, { epsilon: 1e-5 });
            expect(mean.dataSync()).toEqual(moments[0]!.dataSync());
            expect(variance.dataSync()).toEqual(moments[1]!.dataSync());

            const dy = normal(y.shape, seed + 3);
            const got = tf.grads((...of) => runBatchNormPool(of[0]!, of[1]!, of[2]!, attrs)[0])(
              [x, gamma, beta],
              dy,
            );
            const want = tf.grads(twoOps(pool, images))(
              [x, gamma, beta],
              dy.reshape(expected.shape),
            );
            for (const [i, name] of ['dx', 'dgamma', 'dbeta'].entries()) {
              expectClose(got[i]!, want[i]!, name, { atol: 1e-6, rel_to_max: 1e-5 });
            }
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('serves CMLDownsample in training, leaves nothing behind, and a hook sees its layers', async () => {
    const layer = spiking.layers.cmlDownsample({ filters: 8, inputShape: [2, 12, 12, 4] });
    const x = normal([3, 2, 12, 12, 4], 1);
    tf.dispose(layer.apply(x) as tf.Tensor);
    const names = async () => {
      const train = () =>
        tf.tidy(() => void tf.grad((z) => layer.apply(z, { training: true }) as tf.Tensor)(x));
      const { kernelNames } = await tf.profile(() => expectNoLeak(train));
      return kernelNames;
    };
    expect(await names()).toEqual(expect.arrayContaining([BatchNormPool, BatchNormPoolGrad]));
    const seen = jest.fn();
    layer.sublayers[0]!.setCallHook(seen);
    expect(await names()).not.toContain(BatchNormPool);
    expect(seen).toHaveBeenCalled();
    layer.dispose();
    x.dispose();
  });

  test('refuses what does not fit, and leaves large windows to the two ops', () => {
    tf.tidy(() => {
      const attrs = { epsilon: 1e-5, poolSize: 2, strides: 2, padding: 0 };
      const [gamma, beta] = [tf.ones([9]), tf.zeros([9])];
      const x = normal([1, 4, 4, 9], 1);
      const [y, mean, variance, places] = run(BatchNormPool, { x, gamma, beta }, attrs);
      const gradient = (change: object) => {
        const given = {
          dy: y!,
          x,
          gamma,
          mean: mean!,
          variance: variance!,
          places: places!,
          ...change,
        };
        return run(BatchNormPoolGrad, given, attrs);
      };
      expect(() => gradient({ dy: tf.ones([1, 3, 2, 9]) })).toThrow('dy must have 36 numbers');
      expect(() => gradient({ places: tf.zeros([8], 'int32') })).toThrow(
        'places must have 9 numbers',
      );
      expect(() => run(BatchNormPool, { x: tf.ones([4, 9]), gamma, beta }, attrs)).toThrow(
        'x must be [..., height, width, channels]',
      );
      const large = { ...attrs, poolSize: 17 };
      const image = normal([1, 20, 20, 9], 2);
      expect(() => run(BatchNormPool, { x: image, gamma, beta }, large)).toThrow('at most 16');
      const expected = twoOps({ poolSize: 17, strides: 2, padding: 0 }, image.shape)(
        image,
        gamma,
        beta,
      );
      expect(runBatchNormPool(image, gamma, beta, large)[0].dataSync()).toEqual(
        expected.dataSync(),
      );
    });
  });
});
