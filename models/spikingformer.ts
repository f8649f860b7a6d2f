/** Spikingformer (Zhou et al., arXiv 2304.11954), with CML downsampling (arXiv 2305.05954) or without. */
import type * as tf from '@tensorflow/tfjs';
import { spikingTokenizer } from '../layers/spiking_tokenizer';
import { spikingformerBlock } from '../layers/spikingformer_block';
import { type NetworkConfig, network } from './_network';

export type SpikingformerConfig = NetworkConfig;

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`. Neurons stand before each
 * convolution, and what the blocks add is real numbers.
 *
 * ```ts
 * const model = spiking.models.spikingformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64, depth: 1 });
 * ```
 */
export function spikingformer(config: SpikingformerConfig): tf.LayersModel {
  return network('spikingformer', config, {
    tokenizer: spikingTokenizer,
    block: spikingformerBlock,
  });
}
