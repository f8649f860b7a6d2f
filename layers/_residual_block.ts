/** What the blocks of Spikingformer and Spikformer share: x + attention(x), then x + mlp(x). */
import type * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../lib/validate';
import { applyTo, CompositeLayer } from './_composite';
import { type CallArgs, checkLayerKeys, checkTokens, oneShape, pick } from './_layer';
import type { MLPConfig } from './_mlp';
import { neuronOptionKeys } from './_neuron_options';
import { type SelfAttentionConfig, selfAttentionKeys } from './_self_attention';

export interface ResidualBlockConfig extends SelfAttentionConfig {
  /** Width of the MLP's hidden layer in channels of the input. Default 4. */
  mlpRatio?: number;
}

/** A family's attention and MLP. */
export interface BlockParts {
  attention: new (config: SelfAttentionConfig) => tf.layers.Layer;
  mlp: new (config: MLPConfig) => tf.layers.Layer;
  /** Options that both parts have and only this family. */
  sharedKeys?: readonly string[];
}

export abstract class ResidualBlock extends CompositeLayer {
  private readonly config: tf.serialization.ConfigDict;
  private readonly mlpRatio: number;

  constructor(config: ResidualBlockConfig, { attention, mlp, sharedKeys = [] }: BlockParts) {
    const { className } = new.target as unknown as { className: string };
    const attentionKeys = [...selfAttentionKeys, ...sharedKeys];
    checkLayerKeys(className, config, [...attentionKeys, 'mlpRatio']);
    super(config);
    const { mlpRatio = 4 } = config;
    checkPositive('mlpRatio', mlpRatio);
    this.mlpRatio = mlpRatio;
    const options = pick(config, attentionKeys) as SelfAttentionConfig;
    const attn = this.own(new attention({ ...options, name: 'attn' }));
    const neurons = pick(config, [...neuronOptionKeys, ...sharedKeys]);
    this.own(new mlp({ ...neurons, hiddenRatio: mlpRatio, name: 'mlp' }));
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
