/** The gradients of sums and means, and what the backward pass makes no zeros for. */
import * as tf from '@tensorflow/tfjs';
import 'tfjs-spikingformer';
import { runBatchNormTraining } from '../../../lib/kernels';
import { engine } from '../../../lib/tfjs_internals';
import { describeEachBackend } from '../../support/backends';
import { expectNoLeak } from '../../support/leaks';

describeEachBackend('gradients of sums and means', () => {
  test.each<[number | number[] | undefined, boolean]>([
    [undefined, false],
    [0, false],
    [[1, 2], false],
    [-1, true],
    [[0, 2], true],
  ])('are dy for every number that was added: axes %p, keepDims %p', async (axis, keepDims) => {
    const x = tf.randomNormal([3, 4, 5], 0, 1, 'float32', 1);
    await expectNoLeak(() =>
      tf.tidy(() => {
        const y = x.sum(axis, keepDims);
        const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 2);
        const [dSum, dMean] = [
          tf.grad((z) => z.sum(axis, keepDims))(x, dy),
          tf.grad((z) => z.mean(axis, keepDims))(x, dy),
        ];
        const kept = x.sum(axis, true).shape;
        const spread = dy.reshape(kept).add(tf.zeros(x.shape));
        expect(dSum.dataSync()).toEqual(spread.dataSync());
        const shares = spread.div(x.size / y.size);
        expect(dMean.dataSync()).toEqual(shares.dataSync());
        // A gradient of a gradient: of (sum of x)^2, 2 everywhere.
        const twice = tf.grad((z) =>
          tf
            .grad((w) => w.sum().square())(z)
            .sum(),
        )(x);
        expect(twice.dataSync()).toEqual(tf.fill(x.shape, 2 * x.size).dataSync());
      }),
    );
    const { kernelNames } = await tf.profile(() => tf.tidy(() => tf.grad((z) => z.mean())(x)));
    expect(kernelNames).toContain('Fill');
    x.dispose();
  });
});

describeEachBackend('what a kernel keeps for its gradient', () => {
  test('is no output that the tape asks a gradient of', () => {
    tf.tidy(() => {
      const x = tf.randomNormal([6, 3], 0, 1, 'float32', 1);
      let outputs = 0;
      tf.grad((z) => {
        const [y, mean, variance] = runBatchNormTraining(z, tf.ones([3]), tf.zeros([3]), {
          epsilon: 1e-5,
        });
        outputs = engine().state.activeTape!.at(-1)!.outputs.length;
        expect([mean.shape, variance.shape]).toEqual([[3], [3]]);
        return y.square().sum();
      })(x);
      expect(outputs).toBe(1);
    });
  });
});
