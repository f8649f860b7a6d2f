/** FirstMaxPool in stock tfjs ops: PyTorch's padding and PyTorch's choice among equal maxima. */
import * as tf from '@tensorflow/tfjs';
import type { MaxPoolAttrs } from '../spec';

/** Stands for -infinity in the padding: no float32 that a network computes is less. */
const NEVER_MAX = -3e38;

/** x with the border that a window may reach beyond it. */
function padded(x: tf.Tensor4D, { padding }: MaxPoolAttrs): tf.Tensor4D {
  if (padding === 0) return x;
  const sides: [number, number] = [padding, padding];
  return tf.pad4d(x, [[0, 0], sides, sides, [0, 0]], NEVER_MAX);
}

/** See `FirstMaxPool` in spec.ts. Padding by hand, since `tensorflow` throws on a number. */
export function firstMaxPool(x: tf.Tensor4D, attrs: MaxPoolAttrs): tf.Tensor4D {
  return tf.maxPool(padded(x, attrs), attrs.poolSize, attrs.strides, 'valid');
}

/**
 * See `FirstMaxPoolGrad` in spec.ts. The window's places are visited in row-major order; each takes
 * dy where it holds the maximum and no earlier place did, and puts it back where its input lies.
 */
export function firstMaxPoolGrad(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  attrs: MaxPoolAttrs,
): tf.Tensor4D {
  const { poolSize, strides, padding } = attrs;
  const border = padded(x, attrs);
  const [batch, height, width, channels] = border.shape;
  const [, outHeight, outWidth] = dy.shape;
  const y = firstMaxPool(x, attrs);
  // The bordered image, made large enough that each window place is a slice of whole strides.
  const rows = Math.max(height, (outHeight - 1) * strides + poolSize + strides - 1);
  const columns = Math.max(width, (outWidth - 1) * strides + poolSize + strides - 1);
  const source = tf.pad4d(border, [
    [0, 0],
    [0, rows - height],
    [0, columns - width],
    [0, 0],
  ]);

  let free: tf.Tensor = tf.onesLike(y);
  let dx: tf.Tensor4D = tf.zeros([batch, rows, columns, channels]);
  for (let i = 0; i < poolSize; i++) {
    for (let j = 0; j < poolSize; j++) {
      const here = everyStride(source, [i, j], [outHeight, outWidth], strides);
      const wins = here.equal(y).cast('float32').mul(free);
      free = free.sub(wins);
      dx = dx.add(spread(dy.mul(wins), [i, j], [rows, columns], strides));
    }
  }
  return dx.slice([0, padding, padding, 0], [batch, x.shape[1], x.shape[2], channels]);
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
