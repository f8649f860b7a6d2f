/** A Spikingformer block: attention and MLP, each added to its real-valued input (arXiv 2304.11954). */
import type * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../lib/validate';
import { applyTo, CompositeLayer } from './_composite';
import {
  type CallArgs,
  checkLayerKeys,
  checkTokens,
  type LayerArgs,
  oneShape,
  pick,
  register,
} from './_layer';
import { type NeuronOptions, neuronOptionKeys } from './_neuron_options';
import { SpikingMLP } from './spiking_mlp';
import { SpikingSelfAttention, type SpikingSelfAttentionConfig } from './spiking_self_attention';

export interface SpikingformerBlockConfig extends LayerArgs, NeuronOptions {
  /** Must divide the channels. */
  numHeads: number;
  /** Width of the MLP's hidden layer in channels of the input. Default 4. */
  mlpRatio?: number;
  /** As in SpikingSelfAttention. Default 0.125. */
  scale?: number;
  /** As in SpikingSelfAttention. Default 0.5. */
  attnVThreshold?: number;
}

const attentionKeys = ['numHeads', 'scale', 'attnVThreshold', ...neuronOptionKeys];

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape: x + attention(x), then x + mlp(x). */
export class SpikingformerBlock extends CompositeLayer {
  static className = 'SpikingformerBlock';
  private readonly config: tf.serialization.ConfigDict;
  private readonly mlpRatio: number;

  constructor(config: SpikingformerBlockConfig) {
    checkLayerKeys('SpikingformerBlock', config, [...attentionKeys, 'mlpRatio']);
    super(config);
    const { mlpRatio = 4 } = config;
    checkPositive('mlpRatio', mlpRatio);
    this.mlpRatio = mlpRatio;
    const attention = pick(config, attentionKeys) as SpikingSelfAttentionConfig;
    const attn = this.own(new SpikingSelfAttention({ ...attention, name: 'attn' }));
    const neurons = pick(config, neuronOptionKeys);
    this.own(new SpikingMLP({ ...neurons, hiddenRatio: mlpRatio, name: 'mlp' }));
    this.config = { mlpRatio, ...pick(attn.getConfig(), attentionKeys) };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkTokens(this.name, inputShape);
    if (!Number.isInteger(channels * this.mlpRatio)) {
      throw invalid('mlpRatio', `such that ${channels} channels times it is whole`, this.mlpRatio);
    }
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return this.sublayers.reduce((y, layer) => y.add(applyTo(layer, y, kwargs)), x);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}

export const spikingformerBlock = (config: SpikingformerBlockConfig) =>
  new SpikingformerBlock(config);

register(SpikingformerBlock);
