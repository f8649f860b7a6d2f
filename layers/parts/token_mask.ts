/** Padding masks, which tf.layers passes from layer to layer and callers may give. */
import * as tf from '@tensorflow/tfjs';
import { invalid } from '../../lib/validate';
import type { CallArgs } from '../layer';

/**
 * kwargs.mask `[batch, tokens]`, 0 for padding, as numbers `[batch, 1, tokens, 1]` that multiply `x` `[batch, time,
 * tokens, channels]`; undefined if there is none.
 */
export function tokenMask(x: tf.Tensor, { mask }: CallArgs): tf.Tensor | undefined {
  if (mask === undefined || mask === null) return undefined;
  const [batch, , tokens] = x.shape as [number, number, number];
  if (!(mask instanceof tf.Tensor) || x.rank !== 4 || mask.shape.join() !== `${batch},${tokens}`) {
    throw invalid(
      'mask',
      `a tensor of shape [${batch}, ${tokens}], one number per token`,
      mask instanceof tf.Tensor ? mask.shape : mask,
    );
  }
  return mask.cast('float32').reshape([batch, 1, tokens, 1]);
}

/**
 * The mean over the tokens that kwargs.mask leaves in: `[batch, time, tokens, channels]`, or without a mask `[batch,
 * time, height, width, channels]` -> `[batch, time, channels]`.
 */
export function meanOverTokens(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
  const [batch, time] = x.shape as [number, number];
  const mask = tokenMask(x, kwargs);
  if (!mask) return x.reshape([batch, time, -1, x.shape.at(-1)!]).mean(2);
  return x.mul(mask).sum(2).div(mask.sum(2).maximum(1));
}
