/** Computes with some tokens while the others pass by, as TP-Spikformer prunes tokens; it needs no training. */
import * as tf from '@tensorflow/tfjs';
import { tokenScores } from './token_scores';
import { invalid } from './validate';

/** Whether it is a number of tokens, from 1, or a share of them, below 1. */
export function isKeepTokens(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && (value < 1 || Number.isSafeInteger(value));
}

export function checkKeepTokens(argument: string, value: unknown): asserts value is number {
  if (!isKeepTokens(value)) {
    throw invalid(argument, 'a whole number of tokens, or a share of them below 1', value);
  }
}

/** How many of `tokens` tokens are kept; a share is rounded down, but to no less than 1. */
export function keptCount(keepTokens: number, tokens: number): number {
  if (keepTokens < 1) return Math.max(1, Math.floor(keepTokens * tokens));
  if (keepTokens > tokens) {
    throw invalid('keepTokens', `at most the number of tokens (${tokens})`, keepTokens);
  }
  return keepTokens;
}

/**
 * The tokens `[batch, tokens]` in the order of falling score, ties in order of position; and the place of each token in
 * that order.
 */
export function tokenOrder(scores: tf.Tensor3D): { order: tf.Tensor2D; places: tf.Tensor2D } {
  return tf.tidy(() => {
    const [batch, height, width] = scores.shape;
    const tokens = height * width;
    const order = tf.topk(scores.reshape<tf.Tensor2D>([batch, tokens]), tokens).indices;
    const places = tf.topk(order.toFloat().neg(), tokens).indices as tf.Tensor2D;
    return { order, places };
  });
}

/**
 * x `[batch, time, tokens, channels]` with each sample's tokens in that order. By rows, since wasm's gather of several
 * axes at once is wrong.
 */
function inOrder(x: tf.Tensor, order: tf.Tensor2D): tf.Tensor {
  const [batch, time, tokens, channels] = (x as tf.Tensor4D).shape;
  const images = tf.range(0, batch * time, 1, 'int32').mul(tf.scalar(tokens, 'int32'));
  const rows = images.reshape([batch, time, 1]).add(order.expandDims(1)).flatten<tf.Tensor1D>();
  return tf.gather(x.reshape([-1, channels]), rows).reshape(x.shape);
}

/** The same; its gradient is a gather by `places`, without a sum. */
function sorted(x: tf.Tensor, order: tf.Tensor2D, places: tf.Tensor2D): tf.Tensor {
  return tf.customGrad((y, save) => {
    (save as tf.GradSaveFunc)([places]);
    return {
      value: inOrder(y as tf.Tensor, order),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => inOrder(dy, saved[0] as tf.Tensor2D),
    };
  })(x);
}

/**
 * Applies `run` to the `keepTokens` tokens with the highest scores, `[batch, time, kept, channels]` in falling order.
 * The others come through unchanged, and so does their gradient. The scores get no gradient.
 *
 * @param x `[batch, time, height, width, channels]`
 * @param run must return the shape that it gets
 */
export function onKeptTokens(
  x: tf.Tensor,
  { keepTokens, windowSize }: { keepTokens: number; windowSize: number },
  run: (kept: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const [batch, time, height, width, channels] = (x as tf.Tensor5D).shape;
    const tokens = height * width;
    const count = keptCount(keepTokens, tokens);
    const { order, places } = tokenOrder(tokenScores(x, { windowSize }));
    const all = sorted(x.reshape([batch, time, tokens, channels]), order, places);
    if (count === tokens) return sorted(run(all), places, order).reshape(x.shape);
    const [kept, others] = tf.split(all, [count, tokens - count], 2);
    return sorted(tf.concat([run(kept!), others!], 2), places, order).reshape(x.shape);
  });
}
