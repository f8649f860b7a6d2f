/** SpikeCLIP's block of attention for text, which its authors' file has and their released encoder does not use (arXiv 2310.06488). */
import type * as tf from '@tensorflow/tfjs';
import { checkOneOf } from '../../lib/validate';
import { type CallArgs, pick, register } from '../layer';
import { LinearBN } from '../linear_bn';
import { neuronOptionKeys } from '../neuron_options';
import { headAttentionKeys } from '../parts/head_attention';
import { ResidualBlock, type ResidualBlockConfig } from '../parts/residual_block';
import { SpikingMLP, type SpikingMLPConfig } from '../spikingformer/mlp';
import {
  SpikingSelfAttention,
  type SpikingSelfAttentionConfig,
} from '../spikingformer/self_attention';

const normLayouts = ['tokens', 'released'] as const;
export type NormLayout = (typeof normLayouts)[number];

export interface NormLayoutOptions {
  /**
   * How numbers leave batch norms: 'tokens' (default), as they came; or 'released', as in the authors' file: laid
   * out by channels, and read on as if they were still laid out by tokens, which mixes both up.
   */
  normLayout?: NormLayout;
}

/** LinearBN whose output is read on without being transposed back. */
class MixedUpLinearBN extends LinearBN {
  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const y = super.forward(x, kwargs);
    return y.transpose([0, 1, 3, 2]).reshape(y.shape);
  }
}

/** Without a bias, unlike Spikingformer's. */
function makeMap(name: string, units: number, layout: NormLayout): LinearBN {
  return layout === 'tokens' ? new LinearBN({ name, units }) : new MixedUpLinearBN({ name, units });
}

class TextAttention extends SpikingSelfAttention {
  private readonly normLayout: NormLayout;

  constructor({ normLayout, ...config }: SpikingSelfAttentionConfig & Required<NormLayoutOptions>) {
    super(config);
    this.normLayout = normLayout;
  }

  protected override makeMap(name: string, units: number): LinearBN {
    return makeMap(name, units, this.normLayout);
  }
}

class TextMLP extends SpikingMLP {
  private readonly normLayout: NormLayout;

  constructor({ normLayout, ...config }: SpikingMLPConfig & Required<NormLayoutOptions>) {
    super(config);
    this.normLayout = normLayout;
  }

  protected override makeMap(name: string, units: number): LinearBN {
    return makeMap(name, units, this.normLayout);
  }
}

export interface SpikeClipTextBlockConfig extends ResidualBlockConfig, NormLayoutOptions {}

/**
 * `[batch, time, tokens, channels]` -> the same shape: x + attention(x), then x + mlp(x), both Spikingformer's
 * without biases. Called with a `mask` `[batch, tokens]`, of 0 for padding, attention leaves padding out.
 */
export class SpikeClipTextBlock extends ResidualBlock {
  static className = 'SpikeClipTextBlock';

  constructor(config: SpikeClipTextBlockConfig) {
    super(config, ['normLayout']);
    const { normLayout = 'tokens' } = config;
    checkOneOf('normLayout', normLayout, normLayouts);
    const attention = pick(config, headAttentionKeys) as SpikingSelfAttentionConfig;
    const attn = this.own(new TextAttention({ ...attention, normLayout, name: 'attn' }));
    const neurons = pick(config, neuronOptionKeys);
    this.own(new TextMLP({ ...neurons, hiddenRatio: this.mlpRatio, normLayout, name: 'mlp' }));
    const own = pick(attn.getConfig(), headAttentionKeys);
    this.config = { mlpRatio: this.mlpRatio, normLayout, ...own };
    this.supportsMasking = true;
  }
}

export const spikeClipTextBlock = (config: SpikeClipTextBlockConfig) =>
  new SpikeClipTextBlock(config);

register(SpikeClipTextBlock);
