/** Measures a classifier: loss, accuracy, and which classes it confuses. */
import * as tf from '@tensorflow/tfjs';
import { type EvaluationData, logitsOf } from './training_data';

/** What `evaluate` found. */
export interface Evaluation {
  samples: number;
  /** Mean cross entropy, without label smoothing. */
  loss: number;
  /** Share of samples whose class has the largest logit, 0 to 1. */
  accuracy: number;
  /** Share of samples whose class is among the five largest logits, 0 to 1. */
  top5: number;
  /** `confusion[class][prediction]`: how many samples. */
  confusion: number[][];
}

/** Options of `evaluate`. */
export interface EvaluateOptions {
  /** Called after each batch with the number of samples done. */
  onProgress?: (done: number) => void;
  /** Ends the evaluation, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Evaluates a classifier on samples, without changing it. Throws if there are no samples.
 *
 * ```ts
 * const { accuracy } = await evaluate(model, data);
 * ```
 */
export async function evaluate(
  model: tf.LayersModel,
  data: EvaluationData,
  { onProgress, signal }: EvaluateOptions = {},
): Promise<Evaluation> {
  const classes = data.classNames.length;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let [samples, loss, right, inTop5] = [0, 0, 0, 0];
  for await (const batch of data.batches()) {
    signal?.throwIfAborted();
    const logits = tf.tidy(() => logitsOf(model, tf.tensor(batch.data, batch.shape), false));
    const values = await logits.data();
    logits.dispose();
    batch.labels.forEach((label, i) => {
      const row = values.subarray(i * classes, (i + 1) * classes) as Float32Array;
      const { rank, best, negativeLog } = look(row, label);
      confusion[label]![best]!++;
      loss += negativeLog;
      if (rank === 0) right++;
      if (rank < 5) inTop5++;
    });
    samples += batch.labels.length;
    onProgress?.(samples);
    await tf.nextFrame(); // lets Ctrl-C through
  }
  if (samples === 0) throw new Error('data must have at least one sample, but has none');
  return {
    samples,
    loss: loss / samples,
    accuracy: right / samples,
    top5: inTop5 / samples,
    confusion,
  };
}

/** Merges the results of several processes, each on its share of the samples. */
export function mergeEvaluations(parts: readonly Evaluation[]): Evaluation {
  const samples = parts.reduce((sum, part) => sum + part.samples, 0);
  const mean = (key: 'loss' | 'accuracy' | 'top5') =>
    parts.reduce((sum, part) => sum + part[key] * part.samples, 0) / samples;
  const confusion = parts[0]!.confusion.map((row, i) =>
    row.map((_, j) => parts.reduce((sum, part) => sum + part.confusion[i]![j]!, 0)),
  );
  const [loss, accuracy, top5] = [mean('loss'), mean('accuracy'), mean('top5')];
  return { samples, loss, accuracy, top5, confusion };
}

/** How many logits are larger than the label's (or equal and earlier), the index of the largest, and -log softmax. */
function look(logits: Float32Array, label: number) {
  const own = logits[label]!;
  let rank = 0;
  let best = 0;
  logits.forEach((value, k) => {
    if (value > own || (value === own && k < label)) rank++;
    if (value > logits[best]!) best = k;
  });
  const largest = logits[best]!;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - largest);
  return { rank, best, negativeLog: Math.log(sum) + largest - own };
}

/** Softmax of one row of logits. */
export function probabilities(logits: Float32Array): Float32Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}
