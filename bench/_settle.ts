/** A network as training leaves it, without training it. */
import * as tf from '@tensorflow/tfjs';

/**
 * Gives batch norms the statistics of so many batches, by forward passes in training: with those that a network starts
 * from its neurons hardly fire, and what skips the zeros of spikes looks better than it is.
 */
export function settle(
  model: tf.LayersModel,
  batchOf: (pass: number) => tf.Tensor,
  passes: number,
): void {
  for (const weight of passes > 0 ? model.weights : []) {
    if (!weight.name.endsWith('moving_variance')) continue;
    // Else the 1 that it starts from outlasts the small variances of sparse spikes.
    tf.tidy(() => void weight.write(tf.zerosLike(weight.read())));
  }
  for (let pass = 0; pass < passes; pass++) {
    tf.tidy(() => void model.apply(batchOf(pass), { training: true }));
  }
}
