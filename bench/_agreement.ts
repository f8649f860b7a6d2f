/**
 * Whether two implementations compute the same. Rounding may flip a spike where a membrane lies within
 * it of the threshold, and a flipped spike changes what its sample gives from there on: so samples are
 * counted, and few may differ.
 */
import type { Check } from './_task';

/** Within this part of the largest number, two are the same but for rounding. */
const ROUNDING = 1e-4;
/** Beyond this part of it, even a flipped spike is no excuse; losses are means over the batch. */
const FLIPPED = { forward: 0.5, backward: 0.2 };

function largestDifference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  // Math.max passes NaN on; what follows compares so that NaN counts as a difference.
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

function compare(a: readonly number[][], b: readonly number[][]) {
  const largest = Math.max(...a.flat().map(Math.abs));
  const differences = a.map((row, i) => largestDifference(row, b[i] ?? []) / largest);
  const equal = differences.filter((difference) => difference <= ROUNDING).length;
  const worst = Math.max(...differences);
  return { equal, of: a.length, worst };
}

/**
 * Compares two checks of the same work. A quarter of the samples must be equal, and none be far off: what computes
 * something else has no equal sample, and QKFormer's neurons are so many that 7 of 16 samples have a flipped spike.
 */
export function agreement(a: Check, b: Check): { same: boolean; text: string } {
  const forward = compare(a.forward, b.forward);
  const percent = (part: number) => `${(100 * part).toPrecision(2)} %`;
  const samples = `${forward.equal} of ${forward.of} samples equal, largest difference ${percent(forward.worst)}`;
  const same = forward.worst <= FLIPPED.forward && 4 * forward.equal >= forward.of;
  if (!a.backward || !b.backward) return { same, text: samples };
  const backward = compare(a.backward, b.backward);
  return {
    same: same && backward.worst <= FLIPPED.backward,
    text: `${samples}; in training ${percent(backward.worst)}`,
  };
}
