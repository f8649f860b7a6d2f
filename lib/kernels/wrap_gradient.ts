/** Puts a function around the gradient of a kernel: once, also across copies of this library. */
import * as tf from '@tensorflow/tfjs';

/** `mark` tells that it is there, also beneath another: each takes on the marks of what it wraps. */
export function wrapGradient(
  kernelName: string,
  mark: string,
  wrap: (inner: tf.GradFunc) => tf.GradFunc,
): void {
  const there = tf.getGradient(kernelName);
  const symbol = Symbol.for(`tfjs-spikingformer.${mark}`);
  if (!there || symbol in there.gradFunc) return;
  const gradFunc = Object.assign(wrap(there.gradFunc), there.gradFunc, { [symbol]: true });
  tf.unregisterGradient(kernelName);
  tf.registerGradient({ ...there, gradFunc });
}
