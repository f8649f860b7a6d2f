/** One step on several batches, for an effective batch that does not fit into memory. */
import * as tf from '@tensorflow/tfjs';

/**
 * Sums gradients and gives their mean. A variable that has a gradient in some of the batches only
 * has it divided by the number of all batches, as PyTorch's accumulation does.
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

  /** How many batches it holds. */
  get count(): number {
    return this.added;
  }

  /** Takes the gradients over, their tensors too. */
  add(gradients: tf.NamedTensorMap): void {
    for (const [name, gradient] of Object.entries(gradients)) {
      const before = this.sums[name];
      this.sums[name] = tf.keep(before ? before.add(gradient) : gradient.clone());
      tf.dispose([gradient, ...(before ? [before] : [])]);
    }
    this.added++;
  }

  /** The mean over all batches since the last call; the caller disposes of the tensors. */
  takeMean(): tf.NamedTensorMap {
    if (this.added === 0) throw new Error('There are no gradients yet: add some first');
    const { sums, added } = this;
    this.sums = {};
    this.added = 0;
    if (added === 1) return sums;
    const means = Object.entries(sums).map(([name, sum]) => [name, sum.div(added)]);
    tf.dispose(sums);
    return Object.fromEntries(means) as tf.NamedTensorMap;
  }

  dispose(): void {
    tf.dispose(this.sums);
    this.sums = {};
    this.added = 0;
  }
}
