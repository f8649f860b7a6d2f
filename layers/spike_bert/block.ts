/** A SpikeBERT block: attention and MLP, each added to its whole-numbered input (arXiv 2308.15122). */
import { pick, register } from '../layer';
import { neuronOptionKeys } from '../neuron_options';
import { headAttentionKeys } from '../parts/head_attention';
import { ResidualBlock, type ResidualBlockConfig } from '../parts/residual_block';
import { SpikeBertMLP } from './mlp';
import { SpikeBertSelfAttention, type SpikeBertSelfAttentionConfig } from './self_attention';

/**
 * Neurons fire with the surrogate 'atan' by default.
 *
 * @interface
 */
export type SpikeBertBlockConfig = ResidualBlockConfig;

/**
 * `[batch, time, tokens, channels]` -> the same shape: x + attention(x), then x + mlp(x). A `mask` `[batch, tokens]`
 * goes to attention.
 */
export class SpikeBertBlock extends ResidualBlock {
  static className = 'SpikeBertBlock';

  constructor(config: SpikeBertBlockConfig) {
    super(config);
    const attention = pick(config, headAttentionKeys) as SpikeBertSelfAttentionConfig;
    const attn = this.own(new SpikeBertSelfAttention({ ...attention, name: 'attn' }));
    const neurons = pick(config, neuronOptionKeys);
    this.own(new SpikeBertMLP({ ...neurons, hiddenRatio: this.mlpRatio, name: 'mlp' }));
    this.config = { mlpRatio: this.mlpRatio, ...pick(attn.getConfig(), headAttentionKeys) };
    this.supportsMasking = true;
  }
}

export const spikeBertBlock = (config: SpikeBertBlockConfig) => new SpikeBertBlock(config);

register(SpikeBertBlock);
