/** SpikingAttention in stock tfjs ops, its gradient in closed form (Zhou et al., arXiv 2304.11954). */
import * as tf from '@tensorflow/tfjs';
import type { SpikingAttentionAttrs } from '../spec';

/** Whether (q kT) v takes fewer operations than q (kT v), for heads `[..., tokens, headDim]`. */
function tokensAreFewer({ shape }: tf.Tensor): boolean {
  const [tokens, headDim] = shape.slice(-2) as [number, number];
  return tokens < headDim;
}

/**
 * scale (q kT) v of heads `[..., tokens, headDim]`, the cheaper way round: of spikes both are sums of
 * whole numbers, and equal to the bit.
 */
export function headProduct(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, scale: number): tf.Tensor {
  const product = tokensAreFewer(q)
    ? tf.matMul(tf.matMul(q, k, false, true), v)
    : tf.matMul(q, tf.matMul(k, v, true, false));
  return product.mul(scale);
}

/** dq, dk, dv, where the product is not scaled. The gradient of q kT is dy vT, that of kT v is qT dy. */
function headGradients(dy: tf.Tensor, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor[] {
  if (tokensAreFewer(q)) {
    const qk = tf.matMul(q, k, false, true);
    const dqk = tf.matMul(dy, v, false, true);
    return [tf.matMul(dqk, k), tf.matMul(dqk, q, true), tf.matMul(qk, dy, true)];
  }
  const kv = tf.matMul(k, v, true);
  const dkv = tf.matMul(q, dy, true);
  return [tf.matMul(dy, kv, false, true), tf.matMul(v, dkv, false, true), tf.matMul(k, dkv)];
}

/** `[batch, time, ...tokens, channels]` -> `[batch, time, heads, tokens, headDim]`. */
function split(x: tf.Tensor, heads: number): tf.Tensor {
  const { shape } = x;
  const [batch, time, channels] = [shape[0]!, shape[1]!, shape.at(-1)!];
  const tokens = tf.util.sizeFromShape(shape.slice(2, -1));
  return x.reshape([batch, time, tokens, heads, channels / heads]).transpose([0, 1, 3, 2, 4]);
}

/** The reverse. */
function merge(x: tf.Tensor, { shape }: tf.Tensor): tf.Tensor {
  return x.transpose([0, 1, 3, 2, 4]).reshape(shape);
}

/** See `SpikingAttention` in spec.ts. */
export function spikingAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { numHeads, scale }: SpikingAttentionAttrs,
): tf.Tensor {
  const [qs, ks, vs] = [q, k, v].map((x) => split(x, numHeads)) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  return merge(headProduct(qs, ks, vs, scale), q);
}

/** Its gradient. */
export function spikingAttentionGrad(
  dy: tf.Tensor,
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { numHeads, scale }: SpikingAttentionAttrs,
): tf.Tensor[] {
  const heads = [dy, q, k, v].map((x) => split(x, numHeads));
  const [dys, qs, ks, vs] = heads as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  return headGradients(dys.mul(scale), qs, ks, vs).map((dx) => merge(dx, q));
}
