/** Variables in groups, for kernels that update many at once. */
import type * as tf from '@tensorflow/tfjs';

/**
 * The numbers that are updated at once, at least: enough that small variables cost nothing by themselves, and few beside
 * the activations, as the new values exist beside the old ones until all are there.
 */
const GROUP = 2 ** 20;

/** In the order given; the last group may have fewer numbers. */
export function inGroups<T extends { variable: tf.Variable }>(updates: readonly T[]): T[][] {
  const groups: T[][] = [];
  let numbers = GROUP;
  for (const update of updates) {
    if (numbers >= GROUP) {
      groups.push([]);
      numbers = 0;
    }
    groups.at(-1)!.push(update);
    numbers += update.variable.size;
  }
  return groups;
}
