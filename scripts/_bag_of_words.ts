/** Logistic regression on a bag of words: which words a sentence has, whatever their order and number. */
import { Random } from '../lib/random';

export interface BagOptions {
  /** Decay of weights to 0 in each epoch's sense: the loss has l2 / 2 |w|^2 per sentence. */
  l2: number;
  epochs: number;
  learningRate: number;
  seed: number;
}

/** Bags of two classes: the ids of each one's words, each once. */
export interface Bags {
  ids: readonly (readonly number[])[];
  labels: readonly number[];
}

/** The words of sentences as ids, of those that occur `least` times in the sentences to train on. */
export function bagsOf(train: readonly string[], others: readonly string[], least = 2) {
  const words = (text: string) => new Set(text.toLowerCase().match(/[\p{L}\p{N}']+|[!?]/gu) ?? []);
  const counts = new Map<string, number>();
  for (const text of train) for (const w of words(text)) counts.set(w, (counts.get(w) ?? 0) + 1);
  const known = [...counts].filter(([, count]) => count >= least).map(([word]) => word);
  const idOf = new Map(known.map((word, id) => [word, id]));
  const bag = (text: string) => [...words(text)].flatMap((word) => idOf.get(word) ?? []);
  return { size: known.length, train: train.map(bag), others: others.map(bag) };
}

/** Weights, the last of which is the bias, by stochastic gradient descent with a rate that falls to 0. */
export function fitBags({ ids, labels }: Bags, size: number, options: BagOptions): Float64Array {
  const { l2, epochs, learningRate, seed } = options;
  const weights = new Float64Array(size + 1);
  const steps = epochs * ids.length;
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const i of new Random(seed, 'bag of words', epoch).permutation(ids.length)) {
      const rate = learningRate * (1 - step++ / steps);
      const wrong = 1 / (1 + Math.exp(-scoreOf(weights, ids[i]!))) - labels[i]!;
      for (const id of ids[i]!) weights[id]! -= rate * wrong;
      weights[size]! -= rate * wrong;
    }
    // The decay of all the epoch's sentences at once: their words are few of many.
    const mean = learningRate * (1 - (step - ids.length / 2) / steps);
    const kept = Math.max(0, 1 - mean * l2 * ids.length);
    for (let id = 0; id < size; id++) weights[id]! *= kept;
  }
  return weights;
}

/** Above 0: positive. */
export function scoreOf(weights: Float64Array, ids: readonly number[]): number {
  return ids.reduce((sum, id) => sum + weights[id]!, weights.at(-1)!);
}

/** The share of bags whose class is the score's. */
export function accuracyOfBags(weights: Float64Array, { ids, labels }: Bags): number {
  const right = ids.filter((bag, i) => Number(scoreOf(weights, bag) > 0) === labels[i]);
  return right.length / ids.length;
}
