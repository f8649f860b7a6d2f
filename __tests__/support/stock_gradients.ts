/** The gradients of a product of spikes by tfjs-node's own kernels, which know nothing of zeros, bits or AMX. */
import * as tf from '@tensorflow/tfjs';
import { stockKernel } from '../../lib/kernels/override';

function run(name: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor {
  const kernel = stockKernel(name, 'tensorflow')!;
  return kernel({ inputs, backend: tf.backend(), attrs: attrs as tf.NamedAttrMap }) as tf.Tensor;
}

/** Of x and of the filter: a convolution's `[size, size, channels, filters]`, or a matrix. */
export function stockGradients(x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor) {
  if (filter.rank === 2) {
    const dx = run('BatchMatMul', { a: dy, b: filter }, { transposeA: false, transposeB: true });
    const dw = run('BatchMatMul', { a: x, b: dy }, { transposeA: true, transposeB: false });
    return { dx, dw };
  }
  const conv = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };
  const [inputShape, filterShape] = [x.shape, filter.shape];
  return {
    dx: run('Conv2DBackpropInput', { dy, filter }, { ...conv, inputShape }),
    dw: run('Conv2DBackpropFilter', { x, dy }, { ...conv, filterShape }),
  };
}
