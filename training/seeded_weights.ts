/** Initial weights that follow from one seed, however many models a process has made before. */
import * as tf from '@tensorflow/tfjs';
import { Random } from '../lib/random';
import { type Initializer, internalsOf } from '../lib/tfjs_internals';

/**
 * Runs `build` so that every random initial weight is drawn with a seed made of `seed` and the path of
 * the weight, such as 'block1/attn/q/kernel': no two weights begin alike, and the same model begins the
 * same in every process. Weights that `build` leaves for later, as a `tf.sequential` without
 * inputShape does, are not reached; layers that tf.layers has to name itself (`dense_Dense1`) get
 * their number, and with it their weights, by how many there were before.
 *
 * ```ts
 * const model = seededWeights(42, () => spiking.models.create('spikingformer-4-384-cifar10'));
 * ```
 */
export function seededWeights<T>(seed: number, build: () => T): T {
  const prototype = internalsOf(tf.layers.Layer.prototype);
  const stock = prototype.addWeight;
  prototype.addWeight = function addSeeded(name, shape, dtype, initializer, ...rest) {
    const weight = stock.call(this, name, shape, dtype, initializer, ...rest);
    const { fastWeightInitDuringBuild: loading } = this;
    if (!loading && initializer && 'seed' in initializer.getConfig()) {
      redraw(weight, initializer, new Random(seed, 'weights', weight.originalName).bits());
    }
    return weight;
  };
  try {
    return build();
  } finally {
    prototype.addWeight = stock;
  }
}

/** Only the name, known once the weight is there, says which numbers it begins with: drawn again. */
function redraw(weight: tf.LayerVariable, initializer: Initializer, seed: number): void {
  const given = initializer.seed;
  initializer.seed = seed;
  try {
    const value = initializer.apply(weight.shape, weight.dtype);
    weight.write(value);
    value.dispose();
  } finally {
    initializer.seed = given;
  }
}
