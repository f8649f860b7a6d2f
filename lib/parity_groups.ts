/**
 * An image's pixels in four groups by the parity of their row and column, for SGLFormer's local attention (doi
 * 10.3389/fnins.2024.1371290).
 */
import type * as tf from '@tensorflow/tfjs';
import { foldTime, unfoldTime } from './fold_time';

/** The number of pixels at 0, 2, 4, ... of a side. */
const half = (side: number) => Math.ceil(side / 2);

/** The number of pixels in each group, in the order of `parityGroups`. */
export function parityGroupSizes(height: number, width: number): number[] {
  return [half(height), height - half(height)].flatMap((rows) =>
    [half(width), width - half(width)].map((columns) => rows * columns),
  );
}

/** Appends that many rows and columns of zeros, with four axes, since webgl pads no more. */
function evenSides(x: tf.Tensor, rows: number, columns: number): tf.Tensor {
  if (rows + columns === 0) return x;
  const images = foldTime(x) as tf.Tensor4D;
  const padding: [number, number][] = [
    [0, 0],
    [0, rows],
    [0, columns],
    [0, 0],
  ];
  return unfoldTime(images.pad(padding), x.shape[1]!);
}

/**
 * `[batch, time, height, width, channels]` -> `[batch * 4, time, height / 2, width / 2, channels]`, group 4 n + 2 (y %
 * 2) + x % 2 of sample n at y, x. A group is a grid over the whole image, not a window. Odd sides are rounded up and
 * filled with zeros, which attention without softmax ignores.
 */
export function parityGroups(x: tf.Tensor): tf.Tensor {
  const [batch, time, height, width, channels] = x.shape as [number, number, ...number[]];
  const [rows, columns] = [half(height!), half(width!)];
  const even = evenSides(x, 2 * rows - height!, 2 * columns - width!);
  // Time and rows stay together as one axis, within the six axes that every backend transposes.
  return even
    .reshape([batch, time * rows, 2, columns, 2, channels!])
    .transpose([0, 2, 4, 1, 3, 5])
    .reshape([batch * 4, time, rows, columns, channels!]);
}

/** The reverse of `parityGroups`, for images with that height and width. */
export function fromParityGroups(groups: tf.Tensor, height: number, width: number): tf.Tensor {
  const [parts, time, rows, columns, channels] = groups.shape as [number, number, ...number[]];
  const batch = parts / 4;
  const images = groups
    .reshape([batch, 2, 2, time * rows!, columns!, channels!])
    .transpose([0, 3, 1, 4, 2, 5])
    .reshape([batch * time, 2 * rows!, 2 * columns!, channels!]);
  return unfoldTime(images.slice([0, 0, 0, 0], [-1, height, width, -1]), time);
}
