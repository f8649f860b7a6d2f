/** A Spikingformer block: attention and MLP, each added to its real-valued input (arXiv 2304.11954). */
import { register } from './_layer';
import { ResidualBlock, type ResidualBlockConfig } from './_residual_block';
import { SpikingMLP } from './spiking_mlp';
import { SpikingSelfAttention } from './spiking_self_attention';

export type SpikingformerBlockConfig = ResidualBlockConfig;

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x), then x + mlp(x). */
export class SpikingformerBlock extends ResidualBlock {
  static className = 'SpikingformerBlock';

  constructor(config: SpikingformerBlockConfig) {
    super(config, { attention: SpikingSelfAttention, mlp: SpikingMLP });
  }
}

export const spikingformerBlock = (config: SpikingformerBlockConfig) =>
  new SpikingformerBlock(config);

register(SpikingformerBlock);
