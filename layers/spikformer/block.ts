/** A Spikformer block: attention and MLP give spikes, each added to its whole-numbered input (arXiv 2209.15425). */
import { pick, register } from '../layer';
import { neuronOptionKeys } from '../neuron_options';
import { headAttentionKeys } from '../parts/head_attention';
import { PruningBlock, type PruningBlockConfig } from '../parts/pruning_block';
import { SpikformerMLP } from './mlp';
import type { ProjectionOptions } from './projection';
import { SpikformerSelfAttention, type SpikformerSelfAttentionConfig } from './self_attention';

export interface SpikformerBlockConfig extends PruningBlockConfig, ProjectionOptions {}

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x), then x + mlp(x). */
export class SpikformerBlock extends PruningBlock {
  static className = 'SpikformerBlock';

  constructor(config: SpikformerBlockConfig) {
    super(config, ['projection']);
    const attentionKeys = [...headAttentionKeys, 'projection'];
    const attention = pick(config, attentionKeys) as SpikformerSelfAttentionConfig;
    const attn = this.own(new SpikformerSelfAttention({ ...attention, name: 'attn' }));
    const options = pick(config, [...neuronOptionKeys, 'projection']);
    this.own(new SpikformerMLP({ ...options, hiddenRatio: this.mlpRatio, name: 'mlp' }));
    this.config = { mlpRatio: this.mlpRatio, ...pick(attn.getConfig(), attentionKeys) };
  }
}

export const spikformerBlock = (config: SpikformerBlockConfig) => new SpikformerBlock(config);

register(SpikformerBlock);
