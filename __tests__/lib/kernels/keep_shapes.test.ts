/** Operations that keep no numbers for their gradients, which need shapes alone. */
import * as tf from '@tensorflow/tfjs';
import 'tfjs-spikingformer';
import { describeEachBackend } from '../../support/backends';
import { expectForwardClose } from '../../support/compare';
import { expectNoLeak } from '../../support/leaks';

const SIZE = 1000;

const operations: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  add: (x) => x.add(tf.ones([SIZE])),
  sub: (x) => tf.sub(1, x),
  reshape: (x) => x.reshape([10, SIZE / 10]),
  expandDims: (x) => x.expandDims(0),
  sum: (x) => x.sum(),
  mean: (x) => x.mean(),
};

describeEachBackend('gradients of shapes alone', () => {
  test.each(Object.entries(operations))('%s keeps no numbers', async (_, operation) => {
    const x = tf.fill([SIZE], 0.5);
    await expectNoLeak(() => {
      const buffers: number[] = [];
      const gradient = tf.grad((given) => {
        // Passed on by a function that keeps nothing, so that nothing but the operation could.
        const watched = tf.customGrad((input) => ({
          value: (input as tf.Tensor).mul(2),
          gradFunc: (dy: tf.Tensor) => dy.mul(2),
        }));
        const before = tf.engine().backend.numDataIds();
        const y = tf.tidy(() => operation(watched(given)));
        buffers.push(tf.engine().backend.numDataIds() - before);
        return y;
      });
      gradient(x).dispose();
      expect(buffers).toEqual([1]);
    });
    x.dispose();
  });

  test('are summed over the axes that were broadcast', () => {
    tf.tidy(() => {
      const [a, b] = [tf.ones([2, 3]), tf.tensor1d([1, 2, 3])];
      const f = (p: tf.Tensor, q: tf.Tensor) => p.add(q).sub(q.mul(2)).mul(q).mean().asScalar();
      const [da, db] = tf.grads(f)([a, b]) as [tf.Tensor, tf.Tensor];
      // (a - q) q / 6, over two rows.
      expectForwardClose(
        da,
        tf.tensor(
          [1, 2, 3, 1, 2, 3].map((q) => q / 6),
          [2, 3],
        ),
      );
      expectForwardClose(db, tf.tensor1d([1, 2, 3].map((q) => (2 - 4 * q) / 6)));
    });
  });

  test('have gradients themselves', () => {
    tf.tidy(() => {
      const f = (x: tf.Tensor) => {
        const y = x.add(1).reshape([3, 1]).expandDims(0);
        return y.mul(y).mul(y).sum().asScalar();
      };
      const slope = tf.grad((x) => tf.grad(f)(x).sum().asScalar());
      expectForwardClose(slope(tf.tensor1d([0, 1, -3])), tf.tensor1d([6, 12, -12]));
    });
  });
});
