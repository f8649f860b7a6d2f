/** Spikformer's attention: as Spikingformer's, but its neurons stand after the linear maps (arXiv 2209.15425). */
import type * as tf from '@tensorflow/tfjs';
import { type CallArgs, register } from './_layer';
import { type MapOptions, SelfAttention, type SelfAttentionConfig } from './_self_attention';
import { checkProjection, initStdOf, type Projection, type ProjectionOptions } from './_spikformer';
import type { LIFNode } from './lif_node';

export interface SpikformerSelfAttentionConfig extends SelfAttentionConfig, ProjectionOptions {}

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> spikes of the same
 * shape: q, k, v each linear, BN, LIF; scale q kT v per head; LIF; linear, BN, LIF.
 * No residual connection: SpikformerBlock adds it.
 */
export class SpikformerSelfAttention extends SelfAttention {
  static className = 'SpikformerSelfAttention';
  private readonly projection: Projection;
  private readonly projLif: LIFNode;

  constructor(config: SpikformerSelfAttentionConfig) {
    super(config, ['projection']);
    const { projection = 'linear' } = config;
    checkProjection(projection);
    this.projection = projection;
    this.projLif = this.own(this.neurons.lif('proj_lif'));
    this.config.projection = projection;
  }

  protected override mapOptions(): MapOptions {
    return { qkvBias: this.projection === 'linear', initStd: initStdOf(this.projection) };
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return this.attend(x, kwargs, this.projLif);
  }
}

export const spikformerSelfAttention = (config: SpikformerSelfAttentionConfig) =>
  new SpikformerSelfAttention(config);

register(SpikformerSelfAttention);
