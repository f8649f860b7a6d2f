/** Sums of more tensors than a GPU's shader has buffers. */
import * as tf from '@tensorflow/tfjs';
import { addAll } from '../../lib/add_all';
import { repeatOverTime } from '../../lib/fold_time';
import { describeEachBackend } from '../support/backends';

describeEachBackend('addAll', () => {
  test('of 40 tensors', async () => {
    const parts = Array.from({ length: 40 }, (_, i) => tf.tensor1d([i, -i]));
    const sum = tf.tidy(() => addAll(parts));
    expect([...(await sum.data())]).toEqual([780, -780]);
    tf.dispose([sum, ...parts]);
  });

  test('in the gradient of an image that is repeated over 16 time steps', async () => {
    const x = tf.tensor2d([[1, 2]]);
    const dx = tf.grad((y: tf.Tensor) => repeatOverTime(y, 16).mul(3).sum())(x);
    expect([...(await dx.data())]).toEqual([48, 48]);
    tf.dispose([x, dx]);
  });
});
