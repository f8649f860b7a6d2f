/** A block of SGLFormer's ImageNet code: global attention and an MLP, with biases (doi 10.3389/fnins.2024.1371290). */
import { pick, register } from '../layer';
import { neuronOptionKeys } from '../neuron_options';
import { headAttentionKeys } from '../parts/head_attention';
import { ResidualBlock, type ResidualBlockConfig } from '../parts/residual_block';
import { SpikformerMLP } from '../spikformer/mlp';
import {
  type ProjLifAxis,
  SpikformerSelfAttention,
  type SpikformerSelfAttentionConfig,
} from '../spikformer/self_attention';

export interface SGLFormerGlobalBlockConfig extends ResidualBlockConfig {
  /** As in SpikformerSelfAttention. Default 'time'. */
  projLifAxis?: ProjLifAxis;
}

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x), then x + mlp(x). */
export class SGLFormerGlobalBlock extends ResidualBlock {
  static className = 'SGLFormerGlobalBlock';

  constructor(config: SGLFormerGlobalBlockConfig) {
    super(config, ['projLifAxis']);
    const { projLifAxis = 'time' } = config;
    const options = pick(config, headAttentionKeys) as SpikformerSelfAttentionConfig;
    const projection = 'conv' as const;
    const attn = new SpikformerSelfAttention({ ...options, projection, projLifAxis, name: 'attn' });
    this.own(attn);
    const { mlpRatio } = this;
    const neurons = pick(config, neuronOptionKeys);
    this.own(new SpikformerMLP({ ...neurons, projection, hiddenRatio: mlpRatio, name: 'mlp' }));
    this.config = { mlpRatio, projLifAxis, ...pick(attn.getConfig(), headAttentionKeys) };
  }
}

export const sglFormerGlobalBlock = (config: SGLFormerGlobalBlockConfig) =>
  new SGLFormerGlobalBlock(config);

register(SGLFormerGlobalBlock);
