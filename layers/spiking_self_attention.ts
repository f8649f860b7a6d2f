/** Spikingformer's attention: spikes in every product, no softmax, pre-activation (arXiv 2304.11954). */
import type * as tf from '@tensorflow/tfjs';
import { spikingAttention } from '../lib/attention';
import { checkFinite, checkPositiveInteger, invalid } from '../lib/validate';
import { applyTo, CompositeLayer } from './_composite';
import {
  type CallArgs,
  checkLayerKeys,
  checkTokens,
  type LayerArgs,
  oneShape,
  register,
} from './_layer';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from './_neuron_options';
import type { LIFNode } from './lif_node';
import { LinearBN } from './linear_bn';

export interface SpikingSelfAttentionConfig extends LayerArgs, NeuronOptions {
  /** Must divide the channels. */
  numHeads: number;
  /** Factor on q kT v. Default 0.125, whatever the size of a head. */
  scale?: number;
  /** Threshold of the neuron after the product, which vThreshold does not touch. Default 0.5. */
  attnVThreshold?: number;
}

const ownKeys = ['numHeads', 'scale', 'attnVThreshold'];

/** Resets must leave the neuron below the threshold, as `resolveLIF` demands of vThreshold. */
function checkAttnVThreshold(attnVThreshold: number, vReset: number | null): void {
  if (vReset === null && attnVThreshold <= 0) {
    throw invalid('attnVThreshold', 'positive where vReset is null (soft reset)', attnVThreshold);
  }
  if (vReset !== null && attnVThreshold <= vReset) {
    throw invalid('attnVThreshold', `greater than vReset (${vReset})`, attnVThreshold);
  }
}

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape,
 * real numbers: LIF; q, k, v each linear, BN, LIF; scale q kT v per head; LIF; linear, BN.
 * No residual connection: SpikingformerBlock adds it.
 */
export class SpikingSelfAttention extends CompositeLayer {
  static className = 'SpikingSelfAttention';
  private readonly config: tf.serialization.ConfigDict;
  private readonly numHeads: number;
  private readonly scale: number;
  private readonly lif: LIFNode;
  private readonly branchLifs: LIFNode[];
  private readonly attnLif: LIFNode;
  private branches: LinearBN[] = [];
  private proj!: LinearBN;

  constructor(config: SpikingSelfAttentionConfig) {
    checkLayerKeys('SpikingSelfAttention', config, [...ownKeys, ...neuronOptionKeys]);
    super(config);
    const { numHeads, scale = 0.125, attnVThreshold = 0.5 } = config;
    checkPositiveInteger('numHeads', numHeads);
    checkFinite('scale', scale);
    checkFinite('attnVThreshold', attnVThreshold);
    this.numHeads = numHeads;
    this.scale = scale;
    const neurons = new NeuronFactory(config);
    checkAttnVThreshold(attnVThreshold, neurons.attrs.vReset);
    this.lif = this.own(neurons.lif('lif'));
    this.branchLifs = ['q', 'k', 'v'].map((name) => this.own(neurons.lif(`${name}_lif`)));
    this.attnLif = this.own(neurons.lif('attn_lif', { vThreshold: attnVThreshold }));
    this.config = { numHeads, scale, attnVThreshold, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkTokens(this.name, inputShape);
    if (channels % this.numHeads !== 0) {
      throw invalid('numHeads', `a divisor of the ${channels} channels`, this.numHeads);
    }
    this.branches = ['q', 'k', 'v'].map((name) =>
      this.own(new LinearBN({ name, units: channels })),
    );
    this.proj = this.own(new LinearBN({ name: 'proj', units: channels, useBias: true }));
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const spikes = applyTo(this.lif, x, kwargs);
    const [q, k, v] = this.branches.map((linear, i) =>
      this.splitHeads(applyTo(this.branchLifs[i]!, applyTo(linear, spikes, kwargs), kwargs)),
    );
    const product = spikingAttention(q!, k!, v!, { scale: this.scale });
    const attended = applyTo(this.attnLif, this.mergeHeads(product, x.shape), kwargs);
    return applyTo(this.proj, attended, kwargs);
  }

  /** `[batch, time, ...tokens, channels]` -> `[batch, time, heads, tokens, headDim]`; channel a headDim + e is e of head a. */
  private splitHeads(x: tf.Tensor): tf.Tensor {
    const [batch, time] = x.shape as [number, number];
    const headDim = x.shape.at(-1)! / this.numHeads;
    return x.reshape([batch, time, -1, this.numHeads, headDim]).transpose([0, 1, 3, 2, 4]);
  }

  private mergeHeads(x: tf.Tensor, shape: number[]): tf.Tensor {
    return x.transpose([0, 1, 3, 2, 4]).reshape(shape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}

export const spikingSelfAttention = (config: SpikingSelfAttentionConfig) =>
  new SpikingSelfAttention(config);

register(SpikingSelfAttention);
