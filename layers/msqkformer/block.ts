/**
 * An MS-QKFormer block: attention with two or three factors and an MLP, neurons first, each added to its real-valued
 * input (arXiv 2505.18608).
 */
import { checkFinite, checkOneOf } from '../../lib/validate';
import { pick, register } from '../layer';
import { neuronOptionKeys } from '../neuron_options';
import { ResidualBlock, type ResidualBlockConfig } from '../parts/residual_block';
import { QKAttention } from '../qkformer/qk_attention';
import { SpikingMLP } from '../spikingformer/mlp';
import { SpikingSelfAttention } from '../spikingformer/self_attention';

export interface MSQKFormerBlockConfig extends ResidualBlockConfig {
  /**
   * 'token': QKFormer's attention with q and k, with preActivation; 'full': Spikingformer's with q, k and v. Default
   * 'token'.
   */
  attention?: 'token' | 'full';
}

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x),
 * then x + mlp(x). With mlpRatio 1 the MLP has a shortcut around each of its two maps.
 */
export class MSQKFormerBlock extends ResidualBlock {
  static className = 'MSQKFormerBlock';

  constructor(config: MSQKFormerBlockConfig) {
    super(config, ['attention']);
    const { numHeads, attention = 'token', scale = 0.125 } = config;
    checkOneOf('attention', attention, ['token', 'full']);
    checkFinite('scale', scale);
    const { mlpRatio } = this;
    const neurons = pick(config, neuronOptionKeys);
    const options = { name: 'attn', numHeads, ...pick(config, ['attnVThreshold']), ...neurons };
    const attn = this.own(
      attention === 'full'
        ? new SpikingSelfAttention({ ...options, scale })
        : new QKAttention({ ...options, preActivation: true }),
    );
    const mlp = { name: 'mlp', hiddenRatio: mlpRatio, hiddenShortcut: mlpRatio === 1 };
    this.own(new SpikingMLP({ ...mlp, ...neurons }));
    const own = ['numHeads', 'attnVThreshold', ...neuronOptionKeys];
    this.config = { mlpRatio, attention, scale, ...pick(attn.getConfig(), own) };
  }
}

export const msqkFormerBlock = (config: MSQKFormerBlockConfig) => new MSQKFormerBlock(config);

register(MSQKFormerBlock);
