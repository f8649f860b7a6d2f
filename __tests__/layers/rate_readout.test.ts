/** RateReadout: the mean over tokens, then over time. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose } from '../support/compare';

describeEachBackend('rateReadout', () => {
  test.each([[[2, 3, 4, 5]], [[2, 3, 2, 2, 5]], [[1, 1, 1, 1]], [[2, 3, 5]]])(
    'of shape %p',
    (shape) => {
      tf.tidy(() => {
        const x = tf.randomNormal(shape, 0, 1, 'float32', 1);
        const [batch, time] = shape as [number, number];
        const tokens = x.reshape([batch, time, -1, shape.at(-1)!]);
        const y = spiking.layers.rateReadout().apply(x) as tf.Tensor;
        expectForwardClose(y, tokens.mean(2).mean(1));
        const g = tf.randomNormal(y.shape, 0, 1, 'float32', 2);
        const gradient = tf.grad((z) =>
          (spiking.layers.rateReadout().apply(z) as tf.Tensor).mul(g).sum(),
        )(x);
        const share = (time * tokens.shape[2]!) ** -1;
        const expected = g
          .mul(share)
          .reshape([batch, 1, 1, -1])
          .tile([1, time, tokens.shape[2]!, 1]);
        expectForwardClose(gradient, expected, 'gradient');
      });
    },
  );
});
