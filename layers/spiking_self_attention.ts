/** Spikingformer's attention: spikes in every product, no softmax, pre-activation (arXiv 2304.11954). */
import type * as tf from '@tensorflow/tfjs';
import { applyTo } from './_composite';
import { type CallArgs, register } from './_layer';
import { type MapOptions, SelfAttention, type SelfAttentionConfig } from './_self_attention';
import type { LIFNode } from './lif_node';

export type SpikingSelfAttentionConfig = SelfAttentionConfig;

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape,
 * real numbers: LIF; q, k, v each linear, BN, LIF; scale q kT v per head; LIF; linear, BN.
 * No residual connection: SpikingformerBlock adds it.
 */
export class SpikingSelfAttention extends SelfAttention {
  static className = 'SpikingSelfAttention';
  private readonly lif: LIFNode;

  constructor(config: SpikingSelfAttentionConfig) {
    super(config);
    this.lif = this.own(this.neurons.lif('lif'));
  }

  protected override mapOptions(): MapOptions {
    return { qkvBias: false, initStd: null };
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return this.attend(applyTo(this.lif, x, kwargs), kwargs);
  }
}

export const spikingSelfAttention = (config: SpikingSelfAttentionConfig) =>
  new SpikingSelfAttention(config);

register(SpikingSelfAttention);
