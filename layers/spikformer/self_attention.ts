/** Spikformer's attention: as Spikingformer's, but its neurons follow the linear maps (arXiv 2209.15425). */
import type * as tf from '@tensorflow/tfjs';
import { checkOneOf } from '../../lib/validate';
import { runChain } from '../chain';
import { CompositeLayer } from '../composite';
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
import { BatchLIF } from './batch_lif';
import { initStdOf, type Projection, type ProjectionOptions, projectionOf } from './projection';

export type ProjLifAxis = (typeof projLifAxes)[number];
export const projLifAxes = ['time', 'released'] as const;

/** Options of {@link SpikformerSelfAttention}. */
export interface SpikformerSelfAttentionConfig extends HeadAttentionConfig, ProjectionOptions {
  /**
   * What the last neuron integrates over: 'time' (default), or 'released': time and batch, as in QKFormer's published
   * code, so that weights trained with it give the same answers. See BatchLIF.
   */
  projLifAxis?: ProjLifAxis;
}

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> spikes of the same
 * shape: q, k, v each linear, BN, LIF; scale q kT v per head; LIF; linear, BN, LIF.
 * No residual connection: SpikformerBlock adds it.
 */
export class SpikformerSelfAttention extends CompositeLayer {
  static className = 'SpikformerSelfAttention';
  readonly numHeads: number;
  private readonly attention: HeadAttention;
  private readonly projection: Projection;
  private readonly projLif: LIFNode;
  private proj!: LinearBN;

  constructor(config: SpikformerSelfAttentionConfig) {
    super(config, [...headAttentionKeys, 'projection', 'projLifAxis']);
    const { projLifAxis = 'time' } = config;
    checkOneOf('projLifAxis', projLifAxis, projLifAxes);
    const neurons = new NeuronFactory(config);
    this.attention = new HeadAttention(config, neurons);
    this.numHeads = this.attention.config.numHeads;
    this.projection = projectionOf(config);
    for (const lif of this.attention.lifs) this.own(lif);
    this.projLif = this.own(
      projLifAxis === 'time'
        ? neurons.lif('proj_lif')
        : new BatchLIF({ ...neurons.options, name: 'proj_lif' }),
    );
    const { projection } = this;
    this.config = {
      ...this.attention.config,
      ...neurons.options,
      projection,
      ...(projLifAxis !== 'time' && { projLifAxis }),
    };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const initStd = initStdOf(this.projection);
    const options = { useBias: this.projection === 'linear', initStd };
    const maps = this.attention.makeMaps(this.name, inputShape, options);
    for (const map of maps) this.own(map);
    const units = inputShape.at(-1)!;
    this.proj = this.own(new LinearBN({ name: 'proj', units, useBias: true, initStd }));
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
 * A {@link SpikformerSelfAttention} (arXiv 2209.15425): `[batch, time, tokens, channels]` or `[batch, time, height,
 * width, channels]` -> spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikformerSelfAttention = (config: SpikformerSelfAttentionConfig) =>
  new SpikformerSelfAttention(config);

register(SpikformerSelfAttention);
