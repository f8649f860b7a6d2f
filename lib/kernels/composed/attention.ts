/** SpikingAttention in stock tfjs ops, whose gradients are its own (Zhou et al., arXiv 2304.11954). */
import * as tf from '@tensorflow/tfjs';
import type { SpikingAttentionAttrs } from '../spec';

/**
 * scale (q kT) v or scale q (kT v), whichever takes fewer operations, of heads `[..., tokens, headDim]`:
 * of spikes both are sums of whole numbers, and equal to the bit.
 */
export function headProduct(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, scale: number): tf.Tensor {
  const [tokens, headDim] = q.shape.slice(-2) as [number, number];
  const product =
    tokens < headDim
      ? tf.matMul(tf.matMul(q, k, false, true), v)
      : tf.matMul(q, tf.matMul(k, v, true, false));
  return product.mul(scale);
}

/** `[batch, time, ...tokens, channels]` -> `[batch, time, heads, tokens, headDim]`. */
function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const { shape } = x;
  const [batch, time, channels] = [shape[0]!, shape[1]!, shape.at(-1)!];
  const tokens = tf.util.sizeFromShape(shape.slice(2, -1));
  return x.reshape([batch, time, tokens, heads, channels / heads]).transpose([0, 1, 3, 2, 4]);
}

/** See `SpikingAttention` in spec.ts. */
export function spikingAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { numHeads, scale }: SpikingAttentionAttrs,
): tf.Tensor {
  const [qs, ks, vs] = [q, k, v].map((x) => splitHeads(x, numHeads));
  const product = headProduct(qs!, ks!, vs!, scale);
  return product.transpose([0, 1, 3, 2, 4]).reshape(q.shape);
}
