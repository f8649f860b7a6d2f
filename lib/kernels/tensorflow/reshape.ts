/**
 * Reshape on tfjs-node. To the shape that a tensor has already, as the gradient of every addition does, it costs
 * nothing; TensorFlow's op would take an op's time, and a tensor for the shape. Spikes that are stored as bits stay so.
 */
import * as tf from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import { runStockKernel } from '../override';
import { bitsOf } from '../spike_storage';
import { storedAsBits } from './spike_storage';

export const reshapeOverride: tf.KernelConfig = {
  kernelName: tf.Reshape,
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, backend, attrs }) => {
    const x = inputs.x!;
    const shape = attrs!.shape as number[];
    if (!tf.util.arraysEqual(x.shape, shape)) {
      const bits = bitsOf((backend as TensorflowBackend).tensorMap, x);
      if (bits) {
        const inferred = tf.util.inferFromImplicitShape(shape, tf.util.sizeFromShape(x.shape));
        return storedAsBits(backend as TensorflowBackend, bits, inferred);
      }
      return runStockKernel(tf.Reshape, 'tensorflow', { x }, backend as tf.KernelBackend, attrs);
    }
    (backend as tf.KernelBackend).incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  },
};
