/** Spikformer (Zhou et al., arXiv 2209.15425), with CML downsampling (arXiv 2305.05954) or without. */
import type * as tf from '@tensorflow/tfjs';
import type { ProjectionOptions } from '../layers/_spikformer';
import { spikformerBlock } from '../layers/spikformer_block';
import { spikformerTokenizer } from '../layers/spikformer_tokenizer';
import { type NetworkConfig, network } from './_network';

export interface SpikformerConfig extends NetworkConfig, ProjectionOptions {}

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`. Neurons stand after each
 * convolution, and what the blocks add is spikes: whole numbers flow from block to block.
 *
 * ```ts
 * const model = spiking.models.spikformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64, depth: 1 });
 * ```
 */
export function spikformer(config: SpikformerConfig): tf.LayersModel {
  return network('spikformer', config, {
    tokenizer: spikformerTokenizer,
    block: spikformerBlock,
    blockKeys: ['projection'],
  });
}
