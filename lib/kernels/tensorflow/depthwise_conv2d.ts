/**
 * The gradient of a depthwise convolution's filter on tfjs-node, by our op: TensorFlow's is slow, and may be wrong if
 * there are no images.
 */
import * as tf from '@tensorflow/tfjs';
import { runStockKernel } from '../override';
import { kernel, opAttrs } from './backend';
import { hasCpuOps } from './native_ops';

interface Attrs {
  strides: [number, number] | number;
  dilations: [number, number] | number;
  pad: 'valid' | 'same' | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  filterShape: [number, number, number, number];
}

/**
 * Whether our op supports it and is faster: one filter per channel, larger than 3x3, stride 1, output of the input's
 * size.
 */
function isWorthwhile(x: tf.TensorInfo, { filterShape, strides, dilations, pad }: Attrs): boolean {
  const [height, width, , multiplier] = filterShape;
  const ones = [strides, dilations, multiplier].flat();
  const square = height === width && height > 3 && height % 2 === 1;
  return square && pad === 'same' && ones.every((n) => n === 1) && x.dtype === 'float32';
}

export const depthwiseFilterGradientOverride = kernel<
  { x: tf.TensorInfo; dy: tf.TensorInfo },
  Attrs
>(tf.DepthwiseConv2dNativeBackpropFilter, ({ x, dy }, backend, attrs) => {
  // Without oneDNN TensorFlow then writes nothing: the result would be what was in memory before.
  if (x.shape.includes(0)) return tf.zeros(attrs.filterShape);
  if (!isWorthwhile(x, attrs) || !hasCpuOps()) {
    const name = tf.DepthwiseConv2dNativeBackpropFilter;
    return runStockKernel(name, 'tensorflow', { x, dy }, backend, attrs) as tf.Tensor;
  }
  const size = opAttrs(backend, { ints: { size: attrs.filterShape[0] } });
  return backend.executeMultipleOutputs('SpikingformerDepthwiseFilterGrad', size, [x, dy], 1)[0]!;
});
