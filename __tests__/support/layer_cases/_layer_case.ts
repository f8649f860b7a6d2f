/** What the tests of every layer know of one. */
import type * as tf from '@tensorflow/tfjs';

type LayerOptions = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;

export interface LayerCase {
  /** Of the class, under which saved models know it. */
  className: string;
  /** What tells two cases of one class apart. */
  variant?: string;
  make(options?: LayerOptions): tf.layers.Layer;
  /** Without the batch. */
  inputShape: number[];
  outputShape: number[];
  /** Names inside the layer, trainable ones first: what checkpoints rely on. */
  trainable: string[];
  frozen: string[];
  /** Trainable weights whose gradient is zero, always: a bias in front of a batch norm. */
  idle?: string[];
  /** Whether sizes beside the channels are the shape of a weight, so that no shape stays open. */
  sized?: boolean;
  /** An input with which the built layer throws, batch included; none where it takes anything. */
  badInput?: number[];
  /** The input is ids from 0 to below this, which have no gradient. */
  ids?: number;
}
