/** Parameters of NIR nodes as weights of layers: channels last, float32, thresholds that a tie does not reach. */
import * as tf from '@tensorflow/tfjs';
import { type NirNode, numbersOf } from './_graph';
import type { Numbers } from './_hdf5';
import { NirError } from './nir_error';

const bits = new DataView(new ArrayBuffer(4));

/** The float32 next to a number, by so many steps of its bits; 0 has neighbors on both sides. */
function neighbor(value: number, up: boolean): number {
  bits.setFloat32(0, value);
  if (bits.getFloat32(0) === 0) return up ? 2 ** -149 : -(2 ** -149);
  bits.setInt32(0, bits.getInt32(0) + (up === bits.getFloat32(0) > 0 ? 1 : -1));
  return bits.getFloat32(0);
}

/** The least float32 above: NIR fires at v > v_threshold, neurons here at v >= vThreshold. */
export const above = (value: number) => neighbor(value, true);
/** The greatest float32 below. */
export const below = (value: number) => neighbor(value, false);

/** From channels first to last: rank 3 `[C, H, W]`, rank 2 `[C, L]`. */
export const channelsLast = <T>(shape: readonly T[]): T[] => [
  ...shape.slice(1),
  ...shape.slice(0, 1),
];
export const channelsFirst = <T>(shape: readonly T[]): T[] => [
  ...shape.slice(-1),
  ...shape.slice(0, -1),
];

/**
 * A parameter in the shape `[..., channels]` of what the node takes, or one that broadcasts to it. `convert` goes over
 * each number; 'above' makes a threshold of it.
 */
export function weightTensor(
  node: NirNode,
  key: string,
  shape: readonly number[],
  convert: ((value: number) => number) | 'above' = (value) => value,
  fallback?: Numbers,
): tf.Tensor & { shape: number[] } {
  const numbers = numbersOf(node, key, fallback);
  const first = numbers.data.length === 1 ? shape.map(() => 1) : numbers.shape;
  const own = numbers.data.length === 1 ? first : channelsLast(first);
  const fits = own.length === shape.length && own.every((n, i) => n === 1 || n === shape[i]);
  if (!fits) {
    const expected = channelsFirst(shape);
    throw new NirError(
      `${key} of node ${node.name} (${node.type}) must be of shape [${expected}] or one number, but is of [${numbers.shape}]`,
    );
  }
  const each = convert === 'above' ? above : convert;
  const data = Float32Array.from(numbers.data, each);
  const axes = [...first.keys()];
  return tf.tidy(() =>
    tf.tensor(data, first).transpose(numbers.data.length === 1 ? axes : channelsLast(axes)),
  );
}
