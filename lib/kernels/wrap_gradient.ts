/** Wraps the gradient of a kernel in a function, once, even across copies of this library. */
import * as tf from '@tensorflow/tfjs';

/**
 * `mark` shows that the wrapper is there, even beneath another: each takes over the marks of what it wraps. `changes`
 * applies to the rest of the gradient's registration.
 */
export function wrapGradient(
  kernelName: string,
  mark: string,
  wrap: (inner: tf.GradFunc) => tf.GradFunc,
  changes: Partial<tf.GradConfig> = {},
): void {
  const there = tf.getGradient(kernelName);
  const symbol = Symbol.for(`tfjs-spikingformer.${mark}`);
  if (!there || symbol in there.gradFunc) return;
  const gradFunc = Object.assign(wrap(there.gradFunc), there.gradFunc, { [symbol]: true });
  tf.unregisterGradient(kernelName);
  tf.registerGradient({ ...there, ...changes, gradFunc });
}
