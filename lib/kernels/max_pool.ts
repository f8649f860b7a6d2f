/** FirstMaxPool and its gradient: PyTorch's padding and PyTorch's choice among equal maxima. */
import * as tf from '@tensorflow/tfjs';
import { isRecordingGradients } from '../tfjs_internals';
import { type KernelDefinition, runKernel, runKernelOrForm } from './kernel';

/**
 * PyTorch's MaxPool2d: padding on both sides never wins, NaN always does. Input: x `[batch, height, width, channels]`.
 * Output side: floor((n + 2 padding - poolSize) / strides) + 1.
 */
export const FirstMaxPool = 'FirstMaxPool';

/**
 * The gradient of FirstMaxPool. It goes to the first maximum of a window in row-major order, as in PyTorch, or to its
 * last NaN if there is one. Inputs: dy, x. Output: dx.
 */
export const FirstMaxPoolGrad = 'FirstMaxPoolGrad';

/**
 * FirstMaxPool in training. Outputs: y; places, int32: where in its window each maximum is, which takes a sixteenth of
 * x's memory. Only backends with a native kernel run it.
 */
export const PlacedMaxPool = 'PlacedMaxPool';

/** The gradient of PlacedMaxPool. Inputs: dy, places. Output: dx. */
export const PlacedMaxPoolGrad = 'PlacedMaxPoolGrad';

export interface MaxPoolAttrs {
  poolSize: number;
  strides: number;
  padding: number;
}

export interface PlacedMaxPoolAttrs extends MaxPoolAttrs {
  /** Height and width of x. */
  sides: [number, number];
}

/** A place in a larger window is no byte. */
export const MOST_PLACED = 16;

/** x with the border that a window may reach beyond it. */
function padded(x: tf.Tensor4D, { padding }: MaxPoolAttrs, value: number): tf.Tensor4D {
  if (padding === 0) return x;
  const sides: [number, number] = [padding, padding];
  return tf.pad4d(x, [[0, 0], sides, sides, [0, 0]], value);
}

/**
 * The composed form of FirstMaxPool. It pads by hand, since `tensorflow` throws on numeric padding, and handles NaN,
 * which backends lose.
 */
export function firstMaxPool(x: tf.Tensor4D, attrs: MaxPoolAttrs): tf.Tensor4D {
  const pool = (x: tf.Tensor4D, border: number) =>
    tf.maxPool(padded(x, attrs, border), attrs.poolSize, attrs.strides, 'valid');
  const nan = tf.isNaN(x);
  const numbers = tf.where(nan, tf.fill<tf.Rank.R4>(x.shape, -Infinity), x);
  // TensorFlow's pool starts at the lowest finite number, but a window of nothing but -Infinity must stay -Infinity.
  const hasMore = pool(numbers.greater(-Infinity).cast<tf.Tensor4D>('float32'), 0).greater(0);
  const most = pool(numbers, -Infinity);
  const y = tf.where(hasMore, most, tf.fill<tf.Rank.R4>(most.shape, -Infinity));
  const hasNaN = pool(nan.cast<tf.Tensor4D>('float32'), 0).greater(0);
  return tf.where(hasNaN, tf.fill<tf.Rank.R4>(y.shape, NaN), y);
}

/**
 * The composed form of FirstMaxPoolGrad. It visits the places of a window in row-major order, as PyTorch does: the
 * first place inside the image wins, then any number larger than the best so far, and any NaN.
 */
export function firstMaxPoolGrad(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  attrs: MaxPoolAttrs,
): tf.Tensor4D {
  const { poolSize, strides, padding } = attrs;
  const [, outHeight, outWidth] = dy.shape;
  const [batch, , , channels] = x.shape;
  const [height, width] = [x.shape[1] + 2 * padding, x.shape[2] + 2 * padding];
  // The bordered image, large enough that each window place is a slice of whole strides.
  const rows = Math.max(height, (outHeight - 1) * strides + poolSize + strides - 1);
  const columns = Math.max(width, (outWidth - 1) * strides + poolSize + strides - 1);
  const enlarge = (image: tf.Tensor4D) =>
    tf.pad4d(image, [
      [0, 0],
      [padding, rows - height + padding],
      [padding, columns - width + padding],
      [0, 0],
    ]);
  const [source, image] = [enlarge(x), enlarge(tf.onesLike(x))];
  const places = Array.from({ length: poolSize ** 2 }, (_, place): [number, number] => [
    Math.floor(place / poolSize),
    place % poolSize,
  ]);

  let best: tf.Tensor4D = tf.fill(dy.shape, -Infinity);
  let winner: tf.Tensor4D = tf.fill(dy.shape, -1);
  for (const [place, offset] of places.entries()) {
    const at = (image: tf.Tensor4D) => everyStride(image, offset, [outHeight, outWidth], strides);
    const here = at(source);
    const larger = here.greater(best).logicalOr(here.isNaN()).logicalOr(winner.less(0));
    const takes = larger.logicalAnd(at(image).greater(0));
    best = tf.where(takes, here, best);
    winner = tf.where(takes, tf.fill(dy.shape, place), winner);
  }
  let dx: tf.Tensor4D = tf.zeros([batch, rows, columns, channels]);
  for (const [place, offset] of places.entries()) {
    const given = tf.where(winner.equal(place), dy, tf.zerosLike(dy));
    dx = dx.add(spread(given, offset, [rows, columns], strides));
  }
  return dx.slice([0, padding, padding, 0], x.shape);
}

/** The pixels at `offset + strides * [0 .. count)`. */
function everyStride(
  x: tf.Tensor4D,
  [top, left]: [number, number],
  [rows, columns]: [number, number],
  strides: number,
): tf.Tensor4D {
  const [batch, , , channels] = x.shape;
  return x
    .slice([0, top, left, 0], [batch, rows * strides, columns * strides, channels])
    .reshape([batch * rows, strides, columns, strides * channels])
    .slice([0, 0, 0, 0], [batch * rows, 1, columns, channels])
    .reshape([batch, rows, columns, channels]);
}

/** The reverse: an image of zeros but for y at those pixels. */
function spread(
  y: tf.Tensor4D,
  [top, left]: [number, number],
  [height, width]: [number, number],
  strides: number,
): tf.Tensor4D {
  const [batch, rows, columns, channels] = y.shape;
  const strided = tf
    .pad(y.reshape([batch * rows, 1, columns, channels]), [
      [0, 0],
      [0, strides - 1],
      [0, 0],
      [0, (strides - 1) * channels],
    ])
    .reshape([batch, rows * strides, columns * strides, channels]) as tf.Tensor4D;
  return tf.pad4d(strided, [
    [0, 0],
    [top, height - top - rows * strides],
    [left, width - left - columns * strides],
    [0, 0],
  ]);
}

/** Why the gradient of a pool has no gradient. */
export const poolOnce = {
  what: 'maxPool2d',
  why: 'its gradient is a kernel, and that kernel has no gradient',
};

const placed: KernelDefinition = {
  name: PlacedMaxPool,
  standsFor: ({ x }, { sides: _, ...attrs }: PlacedMaxPoolAttrs) =>
    runKernel(FirstMaxPool, { x: x! }, attrs),
  gradient: { kernel: PlacedMaxPoolGrad, inputs: [], outputs: ['', 'places'], of: ['x'] },
};

export const maxPoolDefinitions: KernelDefinition[] = [
  {
    name: FirstMaxPool,
    composed: ({ x }, attrs: MaxPoolAttrs) => firstMaxPool(x as tf.Tensor4D, attrs),
    gradient: { kernel: FirstMaxPoolGrad, inputs: ['x'], of: ['x'] },
  },
  {
    name: FirstMaxPoolGrad,
    composed: ({ dy, x }, attrs: MaxPoolAttrs) =>
      firstMaxPoolGrad(dy as tf.Tensor4D, x as tf.Tensor4D, attrs),
    once: poolOnce,
  },
  placed,
  { name: PlacedMaxPoolGrad, once: poolOnce },
];

export function runFirstMaxPool(x: tf.Tensor4D, attrs: MaxPoolAttrs): tf.Tensor4D {
  if (!isRecordingGradients() || attrs.poolSize > MOST_PLACED) {
    return runKernel(FirstMaxPool, { x }, attrs);
  }
  const sides = x.shape.slice(1, 3);
  return [runKernelOrForm(placed, { x }, { ...attrs, sides })].flat()[0] as tf.Tensor4D;
}
