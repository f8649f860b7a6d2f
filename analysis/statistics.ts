/** Measuring without side effects: restores what a training call changes. */
import type * as tf from '@tensorflow/tfjs';

/** Runs `run`, then restores the model's running statistics. */
export function keepingStatistics<T>(model: tf.LayersModel, run: () => T): T {
  const weights = model.layers.flatMap((layer) => layer.nonTrainableWeights);
  const values = weights.map((weight) => weight.read().clone());
  try {
    return run();
  } finally {
    weights.forEach((weight, i) => {
      weight.write(values[i]!);
      values[i]!.dispose();
    });
  }
}
