/** PyTorch's default initialization, which the reference networks start from. */
import * as tf from '@tensorflow/tfjs';

type Initializer = ReturnType<typeof tf.initializers.zeros>;

/** Kaiming uniform with a = sqrt(5): uniform in +-1 / sqrt(fanIn). */
export function torchKernel(): Initializer {
  return tf.initializers.varianceScaling({
    scale: 1 / 3,
    mode: 'fanIn',
    distribution: 'uniform',
  });
}

/** A bias for a layer with `fanIn` inputs: uniform in +-1 / sqrt(fanIn). */
export function torchBias(fanIn: number): Initializer {
  const bound = 1 / Math.sqrt(fanIn);
  return tf.initializers.randomUniform({ minval: -bound, maxval: bound });
}

/**
 * timm's truncated normal with that standard deviation. It truncates at an absolute 2, which never occurs, so this is a
 * plain normal.
 */
export function normalKernel(stddev: number): Initializer {
  return tf.initializers.randomNormal({ stddev });
}

/**
 * Initializers for a map with `fanIn` inputs: a normal kernel with that standard deviation and a zero bias, as in timm;
 * with null, PyTorch's.
 */
export function mapInitializers(
  initStd: number | null,
  fanIn: number,
): { kernel: Initializer; bias: Initializer } {
  return initStd
    ? { kernel: normalKernel(initStd), bias: tf.initializers.zeros() }
    : { kernel: torchKernel(), bias: torchBias(fanIn) };
}
