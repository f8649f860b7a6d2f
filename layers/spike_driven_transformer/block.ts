/**
 * A Spike-driven Transformer block: attention and MLP, each added to its real-valued input, the membranes (arXiv
 * 2307.01694).
 */
import { invalid } from '../../lib/validate';
import { checkLayerKeys, pick, register } from '../layer';
import { neuronOptionKeys } from '../neuron_options';
import { PruningBlock, type PruningBlockConfig, pruningKeys } from '../parts/pruning_block';
import { SpikeDrivenAttention, type SpikeDrivenAttentionConfig } from './attention';
import { SpikeDrivenMLP } from './mlp';

export interface SpikeDrivenBlockConfig
  extends SpikeDrivenAttentionConfig,
    Omit<PruningBlockConfig, 'scale'> {}

const attentionKeys = ['numHeads', 'attnVThreshold', 'dvsMode', ...neuronOptionKeys];

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x), then x + mlp(x). */
export class SpikeDrivenBlock extends PruningBlock {
  static className = 'SpikeDrivenBlock';

  constructor(config: SpikeDrivenBlockConfig) {
    checkLayerKeys('SpikeDrivenBlock', config, ['mlpRatio', ...pruningKeys, ...attentionKeys]); // It has no scale.
    super(config, ['dvsMode']);
    if (config.dvsMode && config.keepTokens != null) {
      throw invalid(
        'keepTokens',
        'left out with dvsMode, which needs whole images',
        config.keepTokens,
      );
    }
    const options = pick(config, attentionKeys) as SpikeDrivenAttentionConfig;
    const attn = this.own(new SpikeDrivenAttention({ ...options, name: 'attn' }));
    const neurons = pick(config, neuronOptionKeys);
    this.own(new SpikeDrivenMLP({ ...neurons, hiddenRatio: this.mlpRatio, name: 'mlp' }));
    this.config = { mlpRatio: this.mlpRatio, ...pick(attn.getConfig(), attentionKeys) };
  }
}

/**
 * A {@link SpikeDrivenBlock} (arXiv 2307.01694): `[batch, time, tokens, channels]` or `[batch, time, height, width,
 * channels]` -> the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikeDrivenBlock = (config: SpikeDrivenBlockConfig) => new SpikeDrivenBlock(config);

register(SpikeDrivenBlock);
