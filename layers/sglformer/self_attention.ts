/**
 * SGLFormer's attention: Spikformer's without a bias, over all pixels or over those of equal parity (doi
 * 10.3389/fnins.2024.1371290).
 */
import type * as tf from '@tensorflow/tfjs';
import { multiHeadSpikingAttention } from '../../lib/attention';
import { fromParityGroups, parityGroupSizes, parityGroups } from '../../lib/parity_groups';
import { checkOneOf } from '../../lib/validate';
import { runChain } from '../chain';
import { CompositeLayer } from '../composite';
import { type CallArgs, checkImages, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearBN } from '../linear_bn';
import { NeuronFactory } from '../neuron_options';
import { type OperationList, type OperationOptions, outputSizes } from '../operations';
import {
  HeadAttention,
  type HeadAttentionConfig,
  headAttentionKeys,
} from '../parts/head_attention';

const reaches = ['global', 'local'] as const;

/** Options of {@link SGLFormerSelfAttention}. */
export interface SGLFormerSelfAttentionConfig extends HeadAttentionConfig {
  /** Which pixels attend to each other. 'global' (default): all; 'local': those of equal row and column parity. */
  reach?: 'global' | 'local';
}

/** The attention of each of the four parity groups, put back into the image. */
const localAttention: typeof multiHeadSpikingAttention = (q, k, v, params) => {
  const [height, width] = q.shape.slice(2) as [number, number];
  const [a, b, c] = [q, k, v].map(parityGroups);
  return fromParityGroups(multiHeadSpikingAttention(a!, b!, c!, params), height, width);
};

/**
 * `[batch, time, height, width, channels]` -> spikes of the same shape: q, k, v each linear, BN, LIF; scale q kT v per
 * head; LIF; linear, BN, LIF. No residual connection: SGLFormerUnit adds it.
 */
export class SGLFormerSelfAttention extends CompositeLayer {
  static className = 'SGLFormerSelfAttention';
  private readonly attention: HeadAttention;
  private readonly isLocal: boolean;
  private readonly projLif: LIFNode;
  private proj!: LinearBN;

  constructor(config: SGLFormerSelfAttentionConfig) {
    super(config, [...headAttentionKeys, 'reach']);
    const { reach = 'global' } = config;
    checkOneOf('reach', reach, reaches);
    this.isLocal = reach === 'local';
    const neurons = new NeuronFactory(config);
    this.attention = new HeadAttention(config, neurons);
    for (const lif of this.attention.lifs) this.own(lif);
    this.projLif = this.own(neurons.lif('proj_lif'));
    this.config = { ...this.attention.config, reach, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const units = checkImages(this.name, inputShape);
    const options = { useBias: false, initStd: null };
    const maps = this.attention.makeMaps(this.name, inputShape, options);
    for (const map of maps) this.own(map);
    this.proj = this.own(new LinearBN({ name: 'proj', units, ...options }));
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const product = this.isLocal ? localAttention : multiHeadSpikingAttention;
    return runChain([this.proj, this.projLif], this.attention.attend(x, kwargs, product), kwargs);
  }

  override operations(options: OperationOptions): OperationList {
    const before = this.sublayers.filter((layer) => layer !== this.proj);
    const [, height, width] = outputSizes(this) as [number, number, number];
    const groups = this.isLocal ? parityGroupSizes(height, width) : [height * width];
    return [...before, this.attention.operations(this, options, groups), this.proj];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

/**
 * An {@link SGLFormerSelfAttention} (doi 10.3389/fnins.2024.1371290): `[batch, time, height, width, channels]` ->
 * spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const sglFormerSelfAttention = (config: SGLFormerSelfAttentionConfig) =>
  new SGLFormerSelfAttention(config);

register(SGLFormerSelfAttention);
