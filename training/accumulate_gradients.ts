/** One step over several batches, for an effective batch that does not fit into memory. */
import * as tf from '@tensorflow/tfjs';

/**
 * Sums gradients and returns their mean. Even if a variable has a gradient in only some batches, its sum is divided by
 * the number of all batches, as in PyTorch's accumulation.
 *
 * ```ts
 * const sum = new GradientAccumulator();
 * for (const batch of batches) sum.add(tf.variableGrads(() => loss(batch)).grads);
 * const grads = sum.takeMean();
 * optimizer.applyGradients(grads);
 * tf.dispose(grads);
 * ```
 */
export class GradientAccumulator {
  private sums: tf.NamedTensorMap = {};
  private added = 0;

  /** The number of batches added so far. */
  get count(): number {
    return this.added;
  }

  /** Adds gradients, and takes ownership of their tensors. */
  add(gradients: tf.NamedTensorMap): void {
    for (const [name, gradient] of Object.entries(gradients)) {
      const before = this.sums[name];
      this.sums[name] = tf.keep(before ? before.add(gradient) : gradient.clone());
      tf.dispose([gradient, ...(before ? [before] : [])]);
    }
    this.added++;
  }

  /** The mean over all batches since the last call. The caller disposes of the tensors. Throws if there are none. */
  takeMean(): tf.NamedTensorMap {
    if (this.added === 0) throw new Error('There are no gradients yet: call add first');
    const { sums, added } = this;
    this.sums = {};
    this.added = 0;
    if (added === 1) return sums;
    const means = Object.entries(sums).map(([name, sum]) => [name, sum.div(added)]);
    tf.dispose(sums);
    return Object.fromEntries(means) as tf.NamedTensorMap;
  }

  /** Frees what has been accumulated. */
  dispose(): void {
    tf.dispose(this.sums);
    this.sums = {};
    this.added = 0;
  }
}
