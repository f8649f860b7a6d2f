/**
 * Reshape on tfjs-node. To the shape that a tensor has already, as the gradient of every addition does, it costs
 * nothing; TensorFlow's op would take an op's time, and a tensor for the shape.
 */
import * as tf from '@tensorflow/tfjs';
import { runStockKernel } from '../override';

export const reshapeOverride: tf.KernelConfig = {
  kernelName: tf.Reshape,
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const x = inputs.x!;
    if (!tf.util.arraysEqual(x.shape, attrs!.shape as number[])) {
      return runStockKernel(tf.Reshape, 'tensorflow', { x }, backend as tf.KernelBackend, attrs);
    }
    (backend as tf.KernelBackend).incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  },
};
