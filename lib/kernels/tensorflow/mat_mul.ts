/**
 * Matrix products on tfjs-node whose left factor is mostly zero, as spikes are, and gradients of inputs in bfloat16, if
 * the trainer asks for it.
 */
import * as tf from '@tensorflow/tfjs';
import { gradientsInBfloat16 } from '../../gradient_precision';
import type { TensorflowBackend } from '../../tfjs_internals';
import { runStockKernel } from '../override';
import { kernel, opAttrs } from './backend';
import { runInBfloat16 } from './bfloat16';
import { mayBeWorthSkipping, skippingConv, skippingFilterGradient } from './spikes';

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
  if (!mayBeWorthSkipping(a, b.shape[1]!, 1)) return null;
  return transposeA
    ? skippingFilterGradient(backend, a, b, [a.shape[1]!, b.shape[1]!])
    : skippingConv(backend, a, b).y;
}

/** Whether it is a bT in a backward pass: the gradient of the rows that were multiplied by b. */
function isInputGradient({ a, b }: Operands, { transposeA, transposeB }: MatMulAttrs): boolean {
  return a.shape.length === 2 && b.shape.length === 2 && !transposeA && transposeB;
}

export const batchMatMulOverride = kernel<Operands, MatMulAttrs>(
  tf.BatchMatMul,
  (inputs, backend, attrs) => {
    const product = skippingProduct(inputs, backend, attrs);
    if (product) return product;
    if (gradientsInBfloat16() && isInputGradient(inputs, attrs)) {
      const bools = { transpose_a: false, transpose_b: true };
      const attrsOf = (T: number) => opAttrs(backend, { bools, types: { T } });
      return runInBfloat16(backend, 'MatMul', attrsOf, [inputs.a, inputs.b]);
    }
    return runStockKernel(tf.BatchMatMul, 'tensorflow', { ...inputs }, backend, attrs) as tf.Tensor;
  },
);
