/** The native op for the gradient of a depthwise convolution's filter, against TensorFlow's own. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { installKernels, runKernel } from '../../../lib/kernels';
import { runStockKernel } from '../../../lib/kernels/override';
import { opAttrs, tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import '../../support/backends';
import { expectClose } from '../../support/compare';
import { describeNativeOps } from '../../support/tensorflow';

const name = tf.DepthwiseConv2dNativeBackpropFilter;
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const op = (x: tf.Tensor, dy: tf.Tensor, size: number) => {
  const backend = tensorflowBackend()!;
  const attrs = opAttrs(backend, { ints: { size } });
  return backend.executeMultipleOutputs('SpikingformerDepthwiseFilterGrad', attrs, [x, dy], 1)[0]!;
};

describeNativeOps('the gradient of depthwise filters', () => {
  beforeAll(installKernels);

  test('is that of TensorFlow, of any shape', () => {
    const upTo = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(
        fc.tuple(upTo(5), upTo(20), upTo(20), upTo(70)),
        fc.constantFrom(1, 3, 5, 7, 9),
        upTo(1e6),
        (shape, size, seed) => {
          tf.tidy(() => {
            const [x, dy] = [normal(shape, seed), normal(shape, seed + 1)];
            const filterShape = [size, size, shape[3], 1];
            const attrs = { strides: 1, pad: 'same', dilations: 1, filterShape };
            const stock = runStockKernel(name, 'tensorflow', { x, dy }, tf.backend(), attrs);
            const tolerance = { rel_to_max: 1e-5, atol: 1e-6 };
            expectClose(op(x, dy, size), stock as tf.Tensor, 'dw', tolerance);
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is the op where filters are larger than 3 x 3, to the bit', () => {
    tf.tidy(() => {
      const [x, dy] = [normal([3, 9, 8, 20], 1), normal([3, 9, 8, 20], 2)];
      const attrs = { strides: 1, pad: 'same', dilations: 1, filterShape: [5, 5, 20, 1] };
      const dw = runKernel<tf.Tensor>(name, { x, dy }, attrs);
      expect(dw.dataSync()).toEqual(op(x, dy, 5).dataSync());
    });
  });

  test('is zero for an empty batch', () => {
    tf.tidy(() => {
      const dw = op(tf.zeros([0, 4, 4, 5]), tf.zeros([0, 4, 4, 5]), 5);
      expect([...dw.dataSync()]).toEqual(new Array(125).fill(0));
    });
  });

  test('refuses what is not of the same sides, and even sizes', () => {
    const message = /x and dy must be \[batch, height, width, channels\], and size an odd number/;
    const [x, dy] = [tf.ones([1, 4, 4, 2]), tf.ones([1, 3, 4, 2])];
    expect(() => op(x, dy, 5)).toThrow(message);
    expect(() => op(x, x, 4)).toThrow(message);
    tf.dispose([x, dy]);
  });
});
