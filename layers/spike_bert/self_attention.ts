/** SpikeBERT's attention: Spikformer's on text tokens, with layer norms instead of batch norms (arXiv 2308.15122). */
import type * as tf from '@tensorflow/tfjs';
import { runChain } from '../chain';
import { CompositeLayer } from '../composite';
import { type CallArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearLN } from '../linear_ln';
import type { OperationList, OperationOptions } from '../operations';
import {
  HeadAttention,
  type HeadAttentionConfig,
  headAttentionKeys,
} from '../parts/head_attention';
import { textNeurons } from './neurons';

/**
 * Neurons fire with the surrogate 'atan' by default.
 *
 * @interface
 */
export type SpikeBertSelfAttentionConfig = HeadAttentionConfig;

/**
 * `[batch, time, tokens, channels]` -> spikes of the same shape: q, k, v each linear, LN, LIF; scale q kT v per head;
 * LIF; linear, LN, LIF. With a `mask` `[batch, tokens]`, 0 for padding, padding neither attends nor is attended to. No
 * residual connection: SpikeBertBlock adds it.
 */
export class SpikeBertSelfAttention extends CompositeLayer {
  static className = 'SpikeBertSelfAttention';
  readonly numHeads: number;
  private readonly attention: HeadAttention;
  private readonly projLif: LIFNode;
  private proj!: LinearLN;

  constructor(config: SpikeBertSelfAttentionConfig) {
    super(config, headAttentionKeys);
    const neurons = textNeurons(config);
    this.attention = new HeadAttention(config, neurons);
    this.numHeads = this.attention.config.numHeads;
    for (const lif of this.attention.lifs) this.own(lif);
    this.projLif = this.own(neurons.lif('proj_lif'));
    this.config = { ...this.attention.config, ...neurons.options };
    this.supportsMasking = true;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const map = (name: string, units: number) => this.own(new LinearLN({ name, units }));
    this.attention.makeMaps(this.name, inputShape, map);
    this.proj = map('proj', inputShape.at(-1)!);
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runChain([this.proj, this.projLif], this.attention.attend(x, kwargs), kwargs);
  }

  override operations(options: OperationOptions): OperationList {
    const before = this.sublayers.filter((layer) => layer !== this.proj);
    return [...before, this.attention.operations(this, options), this.proj];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

/**
 * A {@link SpikeBertSelfAttention} (arXiv 2308.15122): `[batch, time, tokens, channels]` -> spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikeBertSelfAttention = (config: SpikeBertSelfAttentionConfig) =>
  new SpikeBertSelfAttention(config);

register(SpikeBertSelfAttention);
