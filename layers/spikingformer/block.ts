/** A Spikingformer block: attention and MLP, each added to its real-valued input (arXiv 2304.11954). */
import { pick, register } from '../layer';
import { neuronOptionKeys } from '../neuron_options';
import { headAttentionKeys } from '../parts/head_attention';
import { PruningBlock, type PruningBlockConfig } from '../parts/pruning_block';
import { SpikingMLP } from './mlp';
import { SpikingSelfAttention, type SpikingSelfAttentionConfig } from './self_attention';

/**
 * Options of {@link SpikingformerBlock}.
 *
 * @interface
 */
export type SpikingformerBlockConfig = PruningBlockConfig;

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x), then x + mlp(x). */
export class SpikingformerBlock extends PruningBlock {
  static className = 'SpikingformerBlock';

  constructor(config: SpikingformerBlockConfig) {
    super(config);
    const attention = pick(config, headAttentionKeys) as SpikingSelfAttentionConfig;
    const attn = this.own(new SpikingSelfAttention({ ...attention, name: 'attn' }));
    const neurons = pick(config, neuronOptionKeys);
    this.own(new SpikingMLP({ ...neurons, hiddenRatio: this.mlpRatio, name: 'mlp' }));
    this.config = { mlpRatio: this.mlpRatio, ...pick(attn.getConfig(), headAttentionKeys) };
  }
}

export const spikingformerBlock = (config: SpikingformerBlockConfig) =>
  new SpikingformerBlock(config);

register(SpikingformerBlock);
