/** How a layer has its own weights stored in fewer bits: see models.quantize. */
import type * as tf from '@tensorflow/tfjs';
import type { StoredWeight, WeightFormat } from '../lib/quantize';

/** The numbers of a weight. */
export type ReadWeight = (weight: tf.LayerVariable) => Float32Array;

/** A layer that knows how to store some of its weights; the others are stored as those of any layer. */
export interface StoresWeights {
  /** @internal */
  storedWeights(to: WeightFormat, read: ReadWeight): Map<tf.LayerVariable, StoredWeight>;
}
