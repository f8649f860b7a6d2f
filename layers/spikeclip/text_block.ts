/**
 * SpikeCLIP's attention block for text, defined in its authors' code but not used by their released encoder (arXiv
 * 2310.06488).
 */
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
   * The layout of the numbers that batch norms return: 'tokens' (default), correct; or 'released', as in the authors'
   * code: laid out by channels but read as if by tokens, which mixes the two up.
   */
  normLayout?: NormLayout;
}

/** LinearBN whose output is not transposed back. */
class MixedUpLinearBN extends LinearBN {
  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const y = super.forward(x, kwargs);
    return y.transpose([0, 1, 3, 2]).reshape(y.shape);
  }
}

/** No bias, unlike Spikingformer's. */
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

/** Options of {@link SpikeClipTextBlock}. */
export interface SpikeClipTextBlockConfig extends ResidualBlockConfig, NormLayoutOptions {}

/**
 * `[batch, time, tokens, channels]` -> the same shape: x + attention(x), then x + mlp(x), both Spikingformer's without
 * biases. With a `mask` `[batch, tokens]`, 0 for padding, attention leaves padding out.
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

/**
 * A {@link SpikeClipTextBlock} (arXiv 2310.06488): `[batch, time, tokens, channels]` -> the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikeClipTextBlock = (config: SpikeClipTextBlockConfig) =>
  new SpikeClipTextBlock(config);

register(SpikeClipTextBlock);
