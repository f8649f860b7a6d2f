/**
 * SGLFormer's local and global unit: a local block, local attention, global attention, each added to its input (doi
 * 10.3389/fnins.2024.1371290).
 */
import { invalid } from '../../lib/validate';
import { pick, register } from '../layer';
import { neuronOptionKeys } from '../neuron_options';
import { headAttentionKeys } from '../parts/head_attention';
import { ResidualBlock, type ResidualBlockConfig } from '../parts/residual_block';
import { SpikformerMLP } from '../spikformer/mlp';
import { SGLFormerLocalBlock } from './local_block';
import { SGLFormerSelfAttention, type SGLFormerSelfAttentionConfig } from './self_attention';

/** Options of {@link SGLFormerUnit}. */
export interface SGLFormerUnitConfig extends ResidualBlockConfig {
  /** How many times global attention and its MLP follow the local ones: 2 (default), or 0 in the ImageNet code. */
  globals?: number;
}

/**
 * `[batch, time, height, width, channels]` -> the same shape: x + local block(x), x + local attention(x), x + mlp(x),
 * then `globals` times x + attention(x), x + mlp(x).
 */
export class SGLFormerUnit extends ResidualBlock {
  static className = 'SGLFormerUnit';

  constructor(config: SGLFormerUnitConfig) {
    super(config, ['globals']);
    const { globals = 2 } = config;
    if (!Number.isInteger(globals) || globals < 0) {
      throw invalid('globals', 'a whole number from 0', globals);
    }
    const { mlpRatio } = this;
    const neurons = pick(config, neuronOptionKeys);
    const options = pick(config, headAttentionKeys) as SGLFormerSelfAttentionConfig;
    const map = { ...neurons, projection: 'conv', hiddenRatio: mlpRatio, useBias: false } as const;
    this.own(new SGLFormerLocalBlock({ ...neurons, name: 'local' }));
    const attentions = Array.from({ length: globals + 1 }, (_, i) => {
      const reach = i === 0 ? 'local' : 'global';
      const attention = new SGLFormerSelfAttention({ ...options, reach, name: `attn${i + 1}` });
      this.own(attention);
      this.own(new SpikformerMLP({ ...map, name: `mlp${i + 1}` }));
      return attention;
    });
    const complete = pick(attentions[0]!.getConfig(), headAttentionKeys);
    this.config = { mlpRatio, globals, ...complete };
  }
}

/**
 * An {@link SGLFormerUnit} (doi 10.3389/fnins.2024.1371290): `[batch, time, height, width, channels]` -> the same
 * shape.
 *
 * @throws if an option is unknown or invalid
 */
export const sglFormerUnit = (config: SGLFormerUnitConfig) => new SGLFormerUnit(config);

register(SGLFormerUnit);
