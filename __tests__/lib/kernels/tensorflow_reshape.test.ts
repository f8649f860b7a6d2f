/** Reshape on tfjs-node: to the same shape, the numbers are shared. */
import * as tf from '@tensorflow/tfjs';
import { installKernels } from '../../../lib/kernels';

import '../../support/backends';
import { expectNoLeak } from '../../support/leaks';
import { describeTensorflow } from '../../support/tensorflow';

/** Of tfjs-node's backend: runs an op of TensorFlow's. */
interface RunsOps {
  executeSingleOutput(name: string): tf.Tensor;
}

describeTensorflow('reshape', () => {
  beforeAll(installKernels);

  test('of the same shape runs no op, and outlives what it was made of', async () => {
    await expectNoLeak(() => {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const spy = jest.spyOn(tf.backend() as unknown as RunsOps, 'executeSingleOutput');
      const same = x.reshape([2, 3]);
      const other = x.reshape([3, -1]);
      expect(spy.mock.calls.map(([name]) => name)).toEqual(['Reshape']);
      spy.mockRestore();
      x.dispose();
      expect([same, other].map(({ shape }) => shape)).toEqual([
        [2, 3],
        [3, 2],
      ]);
      for (const y of [same, other]) expect([...y.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
      tf.dispose([same, other]);
    });
  });
});
