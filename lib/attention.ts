/**
 * Spiking attention: a product of spikes without softmax, which is therefore associative (Zhou et al., arXiv
 * 2304.11954).
 */
import * as tf from '@tensorflow/tfjs';
import { runSpikingAttention } from './kernels';
import { headProduct } from './kernels/attention';
import { checkFinite, checkKeys, checkPositiveInteger, invalid } from './validate';

/** Options of `spikingAttention`. */
export interface SpikingAttentionParams {
  /** Factor on the product. Default 0.125: a constant, as in the papers' code, not 1 / sqrt(headDim). */
  scale?: number;
}

/** Options of `multiHeadSpikingAttention`. */
export interface MultiHeadSpikingAttentionParams extends SpikingAttentionParams {
  /** Must divide the channels. */
  numHeads: number;
}

function checkSameShapes(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): void {
  for (const [name, x] of [
    ['k', k],
    ['v', v],
  ] as const) {
    if (x.shape.join() !== q.shape.join()) throw invalid(name, `shaped as q [${q.shape}]`, x.shape);
  }
}

/**
 * scale (q kT) v or scale q (kT v), whichever takes fewer operations. For spikes both are sums of whole numbers, and
 * equal bit for bit.
 *
 * Throws if the shapes differ or have fewer than 4 axes.
 *
 * @param q `[batch, time, heads, tokens, headDim]`, or any shape that ends so
 * @param k of the same shape
 * @param v of the same shape
 * @returns The shape of q.
 */
export function spikingAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { scale = 0.125 }: SpikingAttentionParams = {},
): tf.Tensor {
  checkFinite('scale', scale);
  if (q.rank < 3) throw invalid('q', 'of shape [..., heads, tokens, headDim]', q.shape);
  checkSameShapes(q, k, v);
  return tf.tidy(() => headProduct(q, k, v, scale));
}

/**
 * `spikingAttention` of heads that lie side by side, as linear maps return them: channel a headDim + e is channel e of
 * head a, headDim = channels / numHeads. wasm, for spikes, and tfjs-node's native ops run it as one kernel, and its
 * gradient as another, which cannot be differentiated again.
 *
 * ```ts
 * const spikes = () => tf.randomUniform([2, 4, 8, 8, 64]).less(0.2).toFloat();
 * multiHeadSpikingAttention(spikes(), spikes(), spikes(), { numHeads: 4 }); // [2, 4, 8, 8, 64]
 * ```
 *
 * @param q float32 `[batch, time, ...tokens, channels]`
 * @param k of the same shape
 * @param v of the same shape
 * @returns The shape of q.
 */
export function multiHeadSpikingAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  params: MultiHeadSpikingAttentionParams,
): tf.Tensor {
  checkKeys('multiHeadSpikingAttention', params, ['numHeads', 'scale']);
  const { numHeads, scale = 0.125 } = params;
  checkPositiveInteger('numHeads', numHeads);
  checkFinite('scale', scale);
  if (q.rank < 4) throw invalid('q', 'of shape [batch, time, ...tokens, channels]', q.shape);
  checkSameShapes(q, k, v);
  for (const [name, { dtype }] of Object.entries({ q, k, v })) {
    if (dtype !== 'float32') throw invalid(name, 'of dtype float32', dtype);
  }
  const channels = q.shape.at(-1)!;
  if (channels % numHeads !== 0) {
    throw invalid('numHeads', `a divisor of the ${channels} channels`, numHeads);
  }
  return runSpikingAttention(q, k, v, { numHeads, scale });
}
