/** Spikingformer's attention: spikes in every product, no softmax, pre-activation (arXiv 2304.11954). */
import * as tf from '@tensorflow/tfjs';
import { addChain } from '../chain';
import { applyTo, CompositeLayer } from '../composite';
import { type CallArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearBN } from '../linear_bn';
import { NeuronFactory } from '../neuron_options';
import type { OperationList, OperationOptions } from '../operations';
import {
  HeadAttention,
  type HeadAttentionConfig,
  headAttentionKeys,
} from '../parts/head_attention';

/**
 * Options of {@link SpikingSelfAttention}.
 *
 * @interface
 */
export type SpikingSelfAttentionConfig = HeadAttentionConfig;

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape,
 * real numbers: LIF; q, k, v each linear, BN, LIF; scale q kT v per head; LIF; linear, BN.
 * No residual connection: SpikingformerBlock adds it.
 */
export class SpikingSelfAttention extends CompositeLayer {
  static className = 'SpikingSelfAttention';
  readonly numHeads: number;
  private readonly attention: HeadAttention;
  private readonly lif: LIFNode;
  private proj!: tf.layers.Layer;

  constructor(config: SpikingSelfAttentionConfig) {
    super(config, headAttentionKeys);
    const neurons = new NeuronFactory(config);
    this.attention = new HeadAttention(config, neurons);
    this.numHeads = this.attention.config.numHeads;
    this.lif = this.own(neurons.lif('lif'));
    for (const lif of this.attention.lifs) this.own(lif);
    this.config = { ...this.attention.config, ...neurons.options };
  }

  /** A map and its norm; a family with another norm overrides it. */
  protected makeMap(name: string, units: number): tf.layers.Layer {
    return new LinearBN({ name, units, useBias: name === 'proj' });
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const map = (name: string, units: number) => this.own(this.makeMap(name, units));
    this.attention.makeMaps(this.name, inputShape, map);
    this.proj = map('proj', inputShape.at(-1)!);
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return applyTo(this.proj, this.attended(x, kwargs), kwargs);
  }

  /** @internal See CompositeLayer. */
  override plus(addend: tf.Tensor, x: tf.Tensor, kwargs: CallArgs): tf.Tensor | null {
    if (!this.isPlain(SpikingSelfAttention)) return null;
    return tf.tidy(() => addChain(addend, [this.proj], this.attended(x, kwargs), kwargs));
  }

  private attended(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return this.attention.attend(applyTo(this.lif, x, kwargs), kwargs);
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
 * A {@link SpikingSelfAttention} (arXiv 2304.11954): `[batch, time, tokens, channels]` or `[batch, time, height,
 * width, channels]` -> real numbers of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikingSelfAttention = (config: SpikingSelfAttentionConfig) =>
  new SpikingSelfAttention(config);

register(SpikingSelfAttention);
