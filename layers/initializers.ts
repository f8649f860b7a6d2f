/** PyTorch's default initialization, with which the reference networks begin. */
import * as tf from '@tensorflow/tfjs';

type Initializer = ReturnType<typeof tf.initializers.zeros>;

/** Kaiming uniform with a = sqrt(5), which is uniform in +-1 / sqrt(fanIn). */
export function torchKernel(): Initializer {
  return tf.initializers.varianceScaling({
    scale: 1 / 3,
    mode: 'fanIn',
    distribution: 'uniform',
  });
}

/** The bias of a layer with that many inputs: uniform in +-1 / sqrt(fanIn). */
export function torchBias(fanIn: number): Initializer {
  const bound = 1 / Math.sqrt(fanIn);
  return tf.initializers.randomUniform({ minval: -bound, maxval: bound });
}

/** timm's truncated normal of that deviation; its truncation, at an absolute 2, never happens. */
export function normalKernel(stddev: number): Initializer {
  return tf.initializers.randomNormal({ stddev });
}

/** Those of a map with that many inputs: normal of that deviation and 0, as timm's; null: PyTorch's. */
export function mapInitializers(
  initStd: number | null,
  fanIn: number,
): { kernel: Initializer; bias: Initializer } {
  return initStd
    ? { kernel: normalKernel(initStd), bias: tf.initializers.zeros() }
    : { kernel: torchKernel(), bias: torchBias(fanIn) };
}
