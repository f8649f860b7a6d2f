/** Single spikes, as the first thing that a program asks of a backend. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';

describeEachBackend('spike', () => {
  test('fires at 0 and above, and what it gives can be computed with', async () => {
    const y = tf.tidy(() =>
      spiking
        .spike(tf.tensor1d([-1, 0, 0.5, Number.NaN]))
        .mul(3)
        .add(1),
    );
    expect([...(await y.data())]).toEqual([1, 4, 4, 1]);
    y.dispose();
  });
});
