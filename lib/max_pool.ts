/** Max pooling as PyTorch does it, on every backend: symmetric padding, and the first maximum gets the gradient. */
import type * as tf from '@tensorflow/tfjs';
import { foldTime, unfoldTime } from './fold_time';
import { runFirstMaxPool } from './kernels';
import { checkPositiveInteger, invalid } from './validate';

/** Options of `maxPool2d`. */
export interface MaxPoolParams {
  /** Side of the window. Default 3. PyTorch: kernel_size. */
  poolSize?: number;
  /** Stride of the window. Default 2. PyTorch: stride. */
  strides?: number;
  /**
   * Width of the border, which never wins; at most half of poolSize. Default floor((poolSize - 1) / 2): 1 for 3, 0 for
   * 2. PyTorch: padding.
   */
  padding?: number;
}

/** The parameters, complete and checked. */
export function resolveMaxPool(params: MaxPoolParams = {}) {
  const { poolSize = 3, strides = 2 } = params;
  checkPositiveInteger('poolSize', poolSize);
  checkPositiveInteger('strides', strides);
  const { padding = Math.floor((poolSize - 1) / 2) } = params;
  if (!Number.isInteger(padding) || padding < 0 || padding > poolSize / 2) {
    throw invalid('padding', `an integer from 0 to poolSize / 2 (${poolSize / 2})`, padding);
  }
  return { poolSize, strides, padding };
}

/** The pooled length of a side: floor((n + 2 padding - poolSize) / strides) + 1. */
export function pooledSize(n: number, params?: MaxPoolParams): number {
  const { poolSize, strides, padding } = resolveMaxPool(params);
  return Math.floor((n + 2 * padding - poolSize) / strides) + 1;
}

/** Checks that images `[..., height, width, channels]`, with their border, are no smaller than the window. */
export function checkFitsPool(
  x: tf.Tensor,
  { poolSize, padding }: ReturnType<typeof resolveMaxPool>,
): void {
  const [height, width] = x.shape.slice(-3, -1) as [number, number];
  if (Math.min(height, width) + 2 * padding < poolSize) {
    throw invalid('x', `at least ${poolSize - 2 * padding} pixels per side`, x.shape);
  }
}

/** PyTorch's MaxPool2d on `[batch, height, width, channels]`. Throws if the padded image is smaller than the window. */
export function maxPool2d(x: tf.Tensor4D, params?: MaxPoolParams): tf.Tensor4D {
  const attrs = resolveMaxPool(params);
  if (x.rank !== 4) throw invalid('x', 'of shape [batch, height, width, channels]', x.shape);
  if (x.dtype !== 'float32') throw invalid('x', 'of dtype float32', x.dtype);
  checkFitsPool(x, attrs);
  return runFirstMaxPool(x, attrs);
}

/**
 * The same at each time step.
 * @param x `[batch, time, height, width, channels]`.
 */
export function maxPoolOverTime(x: tf.Tensor, params?: MaxPoolParams): tf.Tensor {
  return unfoldTime(maxPool2d(foldTime(x) as tf.Tensor4D, params), x.shape[1]!);
}
