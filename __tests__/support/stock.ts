/** tfjs-node's own kernels, which know nothing of zeros, bits or AMX, and the ops that kernels run. */
import * as tf from '@tensorflow/tfjs';
import { stockKernel } from '../../lib/kernels/override';
import type { TensorflowBackend } from '../../lib/tfjs_internals';

export const conv = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };

export function runStock(name: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor {
  const kernel = stockKernel(name, 'tensorflow')!;
  return kernel({ inputs, backend: tf.backend(), attrs: attrs as tf.NamedAttrMap }) as tf.Tensor;
}

/** The gradients of a product: of x, and of the filter, a convolution's `[size, size, channels, filters]` or a matrix. */
export function stockGradients(x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor) {
  if (filter.rank === 2) {
    const dx = runStock(
      'BatchMatMul',
      { a: dy, b: filter },
      { transposeA: false, transposeB: true },
    );
    const dw = runStock('BatchMatMul', { a: x, b: dy }, { transposeA: true, transposeB: false });
    return { dx, dw };
  }
  const [inputShape, filterShape] = [x.shape, filter.shape];
  return {
    dx: runStock('Conv2DBackpropInput', { dy, filter }, { ...conv, inputShape }),
    dw: runStock('Conv2DBackpropFilter', { x, dy }, { ...conv, filterShape }),
  };
}

/** The names of TensorFlow's ops that `run` runs, in their order. */
export async function opsOf(
  backend: TensorflowBackend,
  run: () => void | Promise<void>,
): Promise<string[]> {
  const names: string[] = [];
  const { executeMultipleOutputs } = backend;
  const spy = jest.spyOn(backend, 'executeMultipleOutputs');
  spy.mockImplementation((...args) => {
    names.push(args[0]);
    return executeMultipleOutputs.apply(backend, args);
  });
  try {
    await run();
  } finally {
    spy.mockRestore();
  }
  return names;
}
