/** A Spikformer block: attention and MLP give spikes, each added to its whole-numbered input (arXiv 2209.15425). */
import { register } from './_layer';
import { ResidualBlock, type ResidualBlockConfig } from './_residual_block';
import type { ProjectionOptions } from './_spikformer';
import { SpikformerMLP } from './spikformer_mlp';
import { SpikformerSelfAttention } from './spikformer_self_attention';

export interface SpikformerBlockConfig extends ResidualBlockConfig, ProjectionOptions {}

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x), then x + mlp(x). */
export class SpikformerBlock extends ResidualBlock {
  static className = 'SpikformerBlock';

  constructor(config: SpikformerBlockConfig) {
    super(config, {
      attention: SpikformerSelfAttention,
      mlp: SpikformerMLP,
      sharedKeys: ['projection'],
    });
  }
}

export const spikformerBlock = (config: SpikformerBlockConfig) => new SpikformerBlock(config);

register(SpikformerBlock);
