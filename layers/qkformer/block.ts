/**
 * A QKFormer block: attention with two or three factors and an MLP, each added to its whole-numbered input (arXiv
 * 2403.16552).
 */
import { checkFinite, checkOneOf } from '../../lib/validate';
import { pick, register } from '../layer';
import { neuronOptionKeys } from '../neuron_options';
import { PruningBlock, type PruningBlockConfig } from '../parts/pruning_block';
import { SpikformerMLP } from '../spikformer/mlp';
import { type ProjLifAxis, SpikformerSelfAttention } from '../spikformer/self_attention';
import { QKAttention } from './qk_attention';

const attentions = ['token', 'channel', 'full'] as const;

export interface QKFormerBlockConfig extends PruningBlockConfig {
  /**
   * 'token' and 'channel' as in QKAttention's maskAxis; 'full': Spikformer's attention with q, k and v. Default
   * 'token'.
   */
  attention?: 'token' | 'channel' | 'full';
  /** As in SpikformerSelfAttention; for 'full' attention only. Default 'time'. */
  projLifAxis?: ProjLifAxis;
}

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x), then x + mlp(x). */
export class QKFormerBlock extends PruningBlock {
  static className = 'QKFormerBlock';

  constructor(config: QKFormerBlockConfig) {
    super({ ...config, scoreWindow: config.scoreWindow ?? 7 }, ['attention', 'projLifAxis']);
    const { attention = 'token', projLifAxis = 'time' } = config;
    checkOneOf('attention', attention, attentions);
    const options = { ...pick(config, neuronOptionKeys), numHeads: config.numHeads, name: 'attn' };
    const threshold = pick(config, ['attnVThreshold']);
    const { mlpRatio } = this;
    const attn =
      attention === 'full'
        ? new SpikformerSelfAttention({
            ...options,
            ...threshold,
            ...pick(config, ['scale']),
            projection: 'conv',
            projLifAxis,
          })
        : new QKAttention({ ...options, ...threshold, maskAxis: attention });
    this.own(attn);
    const neurons = pick(config, neuronOptionKeys);
    const mlp = { ...neurons, projection: 'conv' as const, hiddenRatio: mlpRatio, name: 'mlp' };
    this.own(new SpikformerMLP(mlp));
    const { scale = 0.125 } = config;
    checkFinite('scale', scale);
    const own = ['numHeads', 'attnVThreshold', ...neuronOptionKeys];
    this.config = { mlpRatio, attention, projLifAxis, scale, ...pick(attn.getConfig(), own) };
  }
}

export const qkFormerBlock = (config: QKFormerBlockConfig) => new QKFormerBlock(config);

register(QKFormerBlock);
