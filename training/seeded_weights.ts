/** Initial weights that depend on one seed only, however many models the process has made before. */
import * as tf from '@tensorflow/tfjs';
import { Random } from '../lib/random';
import { type Initializer, internalsOf } from '../lib/tfjs_internals';

/**
 * Runs `build` so that every random initial weight is drawn with a seed made from `seed` and the path of the weight,
 * such as 'block1/attn/q/kernel'. No two weights start alike, and the same model starts the same in every process. Not
 * covered: weights that `build` defers, as a `tf.sequential` without inputShape does. Layers that tf.layers has to name
 * (`dense_Dense1`) are numbered by how many came before, and so their weights depend on that.
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

/** The weight's name determines its numbers but is known only once the weight exists: it is drawn again. */
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
