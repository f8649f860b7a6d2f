/** Matrix products on tfjs-node whose left factor is mostly zero, as spikes are. */
import * as tf from '@tensorflow/tfjs';
import type { TensorflowBackend } from '../../tfjs_internals';
import { runStockKernel } from '../override';
import { kernel } from './backend';
import { isWorthSkipping, skippingConv, skippingFilterGradient } from './spikes';

interface Operands {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}

interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

/**
 * a b, as in a forward pass, or aT b, the gradient of its weights, skipping the zeros of a; null if that would not be
 * faster.
 */
function skippingProduct(
  { a, b }: Operands,
  backend: TensorflowBackend,
  { transposeA, transposeB }: MatMulAttrs,
): tf.Tensor | null {
  if (a.shape.length !== 2 || b.shape.length !== 2 || transposeB) return null;
  // TensorFlow reports mismatched sizes.
  if (b.shape[0] !== a.shape[transposeA ? 0 : 1]) return null;
  const kind = transposeA ? 'gradient' : 'forward';
  if (!isWorthSkipping(backend, a, b.shape[1]!, 1, kind, b)) return null;
  return transposeA ? skippingFilterGradient(backend, a, b, 1) : skippingConv(backend, a, b);
}

export const batchMatMulOverride = kernel<Operands, MatMulAttrs>(
  tf.BatchMatMul,
  (inputs, backend, attrs) => {
    const product = skippingProduct(inputs, backend, attrs);
    if (product) return product;
    return runStockKernel(tf.BatchMatMul, 'tensorflow', { ...inputs }, backend, attrs) as tf.Tensor;
  },
);
