/** Rows of a table by their numbers: token embeddings, with checks of the ids on backends that read them quickly. */
import * as tf from '@tensorflow/tfjs';
import { invalid } from './validate';

/**
 * Throws if an id is not a whole number from 0 to vocabSize - 1, and names the id and its position. It takes numbers in
 * memory; on backends whose tensors are in memory, layers call it themselves.
 * @param ids Row-major, of that shape.
 */
export function checkTokenIds(
  ids: ArrayLike<number>,
  shape: readonly number[],
  vocabSize: number,
): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (Number.isInteger(id) && id >= 0 && id < vocabSize) continue;
    const at = shape.map((_, axis) => {
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      return Math.floor(i / inner) % shape[axis]!;
    });
    throw invalid(
      `ids[${at.join('][')}]`,
      `a whole number from 0 to ${vocabSize - 1}, one of the vocabulary's ${vocabSize} tokens`,
      id,
    );
  }
}

/**
 * Whether `dataSync` of a small tensor is immediate: it neither waits for a GPU nor, as on webgpu, goes through a
 * canvas.
 */
export function readsAtOnce(): boolean {
  return tf.getBackend() !== 'webgl' && tf.getBackend() !== 'webgpu';
}

/**
 * `table[ids]`: `[...ids, channels]`. The table's gradient adds up rows by id in one pass; tfjs's compares every id
 * with every row on cpu, and is missing on wasm.
 * @param table float32 `[vocabSize, channels]`.
 * @param ids int32, of any shape.
 */
export function lookUp(table: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  const [, channels] = table.shape;
  return tf.tidy(() => {
    const look = tf.customGrad((rows, save) => {
      const flat = ids.reshape<tf.Tensor1D>([ids.size]);
      (save as tf.GradSaveFunc)([flat]);
      return {
        value: tf.gather(rows as tf.Tensor2D, flat),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
          tf.scatterND(saved[0]!.expandDims(1), dy, table.shape),
      };
    });
    return look(table).reshape([...ids.shape, channels]);
  });
}
