/** Asserts that a piece of work gives back every tensor that it takes. */
import * as tf from '@tensorflow/tfjs';

interface Counts {
  /** Tensors alive in the engine. */
  tensors: number;
  /** Buffers alive in the current backend: catches data whose tensor is gone. */
  dataIds: number;
}

function counts(): Counts {
  return { tensors: tf.memory().numTensors, dataIds: tf.engine().backend.numDataIds() };
}

/**
 * Runs `fn` and expects as many tensors and backend buffers after it as before.
 * `fn` disposes of what it makes; its result comes back untouched. Prepare (variables, models,
 * a first optimizer step) before the call. Always await it.
 *
 *   await expectNoLeak(() => lif(x).dispose());
 *   await expectNoLeak(() => expect(() => lif(bad)).toThrow(/tau/));
 */
export async function expectNoLeak<T>(fn: () => T | Promise<T>): Promise<T> {
  const before = counts();
  const result = await fn();
  expect(counts()).toEqual(before);
  return result;
}
