/** Numbers rounded to the nearest bfloat16, ties to even. */
import * as tf from '@tensorflow/tfjs';

function rounded(x: number): number {
  if (Number.isNaN(x)) return x;
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  const half = 0x7fff + ((bits[0]! >>> 16) & 1);
  bits[0] = (bits[0]! + half) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

export const roundedTensor = (x: tf.Tensor) =>
  tf.tensor(Float32Array.from(x.dataSync() as Float32Array, rounded), x.shape);
