/** Layers that do not learn: what fine-tuning leaves as it is. */
import type * as tf from '@tensorflow/tfjs';
import { didYouMean } from '../lib/did_you_mean';
import { invalid } from '../lib/validate';

/**
 * Freezes layers of the model by their names: their weights get no gradient, and their batch norms use and keep the
 * running statistics.
 *
 * ```ts
 * freezeLayers(model, ['tokenizer', 'block1']);
 * ```
 *
 * @throws if there is no layer of a name, or nothing would be left to learn
 */
export function freezeLayers(model: tf.LayersModel, names: readonly string[]): void {
  const known = model.layers.filter(({ weights }) => weights.length > 0).map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) model.getLayer(name).trainable = false;
    else throw invalid('freeze', `of ${known.join(', ')}${didYouMean(name, known)}`, name);
  }
  if (model.trainableWeights.length === 0) {
    throw invalid('freeze', 'not all layers: something must be left to learn', names);
  }
}
