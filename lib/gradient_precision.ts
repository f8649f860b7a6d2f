/**
 * How precisely gradients with respect to the inputs of convolutions and linear maps are computed. Mixed precision as
 * in Micikevicius et al., "Mixed Precision Training" (arXiv 1710.03740), of the backward pass alone: a spike that flips
 * in the forward pass would change the network's answer.
 */
import * as tf from '@tensorflow/tfjs';
import { shared } from './shared';

/** `bfloat16` is a float32 without its lower 16 bits: 8 significant bits, the same range. */
export type Precision = 'float32' | 'bfloat16';

const state = shared('gradientPrecision', () => ({ current: 'float32' as Precision }));

/** Whether the running backward pass may round factors of dense products to bfloat16. */
export const gradientsInBfloat16 = (): boolean => state.current === 'bfloat16';

/** `tf.variableGrads` with a backward pass in that precision; the forward pass stays in float32. */
export function variableGradsIn(
  precision: Precision,
  f: () => tf.Scalar,
  variables: tf.Variable[],
): ReturnType<typeof tf.variableGrads> {
  try {
    return tf.variableGrads(() => {
      const value = f();
      state.current = precision; // The forward pass ends here.
      return value;
    }, variables);
  } finally {
    state.current = 'float32';
  }
}
