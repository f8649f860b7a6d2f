/** layerNorm against its formula in stock operations: value, gradient, second-order gradient, numbers that are none. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose, expectGradClose } from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';

function stock(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon = 1e-5): tf.Tensor {
  const centered = x.sub(x.mean(-1, true));
  const variance = centered.square().mean(-1, true);
  return centered.div(variance.add(epsilon).sqrt()).mul(gamma).add(beta);
}

type Args = [x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor];
const samples = (shape: number[]): Args => {
  const channels = shape.at(-1)!;
  return [
    tf.randomNormal(shape, 2, 3, 'float32', 1),
    tf.randomNormal([channels], 1, 0.5, 'float32', 2),
    tf.randomNormal([channels], 0, 1, 'float32', 3),
  ];
};

describeEachBackend('layerNorm', () => {
  test.each([[[3, 7]], [[2, 4, 5, 6]], [[2, 1, 3, 1]], [[70, 33]]])('of %j', async (shape) => {
    await expectNoLeak(() =>
      tf.tidy(() => {
        const args = samples(shape);
        const g = tf.randomNormal(shape, 0, 1, 'float32', 4);
        expectForwardClose(spiking.layerNorm(...args), stock(...args));
        const gradients = (norm: (...args: Args) => tf.Tensor) =>
          tf.grads((...a) =>
            norm(...(a as Args))
              .mul(g)
              .sum()
              .asScalar(),
          )(args);
        const expected = gradients(stock);
        gradients((...a) => spiking.layerNorm(...a)).forEach((gradient, i) => {
          expectGradClose(gradient, expected[i]!, ['x', 'gamma', 'beta'][i]);
        });
      }),
    );
  });

  test('has a second-order gradient, as a gradient penalty takes it', () => {
    tf.tidy(() => {
      const [x, gamma, beta] = samples([4, 5]);
      const penalty = (norm: (...args: Args) => tf.Tensor) => {
        const gradient = tf.grad((y) => norm(y, gamma, beta).square().sum());
        return tf.grad((y) => gradient(y).square().sum())(x);
      };
      expectGradClose(
        penalty((...a) => spiking.layerNorm(...a)),
        penalty(stock),
      );
    });
  });

  test('keeps NaN to its own token', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, NaN, 3, 4, 5, 6], [2, 3]);
      const [nan, token] = spiking.layerNorm(x, tf.ones([3]), tf.zeros([3])).unstack();
      expect([...nan!.dataSync()].every(Number.isNaN)).toBe(true);
      expect([...token!.dataSync()].every(Number.isFinite)).toBe(true);
    });
  });

  test('says what does not fit', () => {
    tf.tidy(() => {
      const [ones, x] = [tf.ones([3]), tf.ones([2, 3])];
      const run =
        (...args: Parameters<typeof spiking.layerNorm>) =>
        () =>
          spiking.layerNorm(...args);
      expect(run(tf.ones([3]), ones, ones)).toThrow('x must be of shape [..., channels]');
      expect(run(x.toInt(), ones, ones)).toThrow('x must be of dtype float32, but got');
      expect(run(x, tf.ones([2]), ones)).toThrow('gamma must be of shape [3]');
      expect(run(x, ones, tf.ones([4]))).toThrow('beta must be of shape [3]');
      expect(run(x, ones, ones, { epsilon: 0 })).toThrow('epsilon must be a positive');
    });
  });
});
