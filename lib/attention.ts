/** Spiking attention: a product of spikes without softmax, hence associative (Zhou et al., arXiv 2304.11954). */
import * as tf from '@tensorflow/tfjs';
import { checkFinite, invalid } from './validate';

export interface SpikingAttentionParams {
  /** Factor on the product. Default 0.125, a constant in the papers' code, not 1 / sqrt(headDim). */
  scale?: number;
}

/**
 * scale (q kT) v or scale q (kT v), whichever takes fewer operations: for spikes both are sums of
 * whole numbers, so the two are equal to the bit.
 * @param q,k,v `[batch, time, heads, tokens, headDim]`, or any shape that ends so; equal shapes.
 */
export function spikingAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { scale = 0.125 }: SpikingAttentionParams = {},
): tf.Tensor {
  checkFinite('scale', scale);
  if (q.rank < 3) throw invalid('q', 'of shape [..., heads, tokens, headDim]', q.shape);
  for (const [name, x] of [
    ['k', k],
    ['v', v],
  ] as const) {
    if (x.shape.join() !== q.shape.join()) throw invalid(name, `shaped as q [${q.shape}]`, x.shape);
  }
  const [tokens, headDim] = q.shape.slice(-2) as [number, number];
  return tf.tidy(() => {
    const product =
      tokens < headDim
        ? tf.matMul(tf.matMul(q, k, false, true), v)
        : tf.matMul(q, tf.matMul(k, v, true, false));
    return product.mul(scale);
  });
}
