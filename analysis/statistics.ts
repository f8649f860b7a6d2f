/** Looking without touching: what a training call moves is put back after it. */
import type * as tf from '@tensorflow/tfjs';

/** Runs `run`, then gives the model's running statistics the values that they had before. */
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
