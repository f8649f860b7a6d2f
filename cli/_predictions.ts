/** The classes that a network predicts for samples. */
import * as tf from '@tensorflow/tfjs';
import { probabilities } from '../training/evaluation';
import { logitsOf } from '../training/training_data';

export interface Prediction {
  /** Index of the class. */
  best: number;
  /** Probabilities of all classes, in order: 0 to 1. */
  shares: Float32Array;
}

/** One prediction per sample of `x`, `[samples, ...]`, which the caller disposes of. */
export async function predictionsOf(model: tf.LayersModel, x: tf.Tensor): Promise<Prediction[]> {
  const logits = tf.tidy(() => logitsOf(model, x, false));
  const values = (await logits.data()) as Float32Array;
  const [samples, classes] = logits.shape as [number, number];
  logits.dispose();
  return Array.from({ length: samples }, (_, i) => {
    const shares = probabilities(values.subarray(i * classes, (i + 1) * classes));
    return { best: shares.indexOf(Math.max(...shares)), shares };
  });
}
