/** What the attentions of Spikingformer and Spikformer share: spiking q, k, v, their product without softmax, a last linear map. */
import type * as tf from '@tensorflow/tfjs';
import { multiHeadSpikingAttention } from '../lib/attention';
import { checkFinite, checkPositiveInteger, invalid } from '../lib/validate';
import { applyTo, CompositeLayer } from './_composite';
import { type CallArgs, checkLayerKeys, checkTokens, type LayerArgs, oneShape } from './_layer';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from './_neuron_options';
import type { LIFNode } from './lif_node';
import { LinearBN } from './linear_bn';

export interface SelfAttentionConfig extends LayerArgs, NeuronOptions {
  /** Must divide the channels. */
  numHeads: number;
  /** Factor on q kT v. Default 0.125, whatever the size of a head. */
  scale?: number;
  /** Threshold of the neuron after the product, which vThreshold does not touch. Default 0.5. */
  attnVThreshold?: number;
}

/** The options of both attentions, for `checkLayerKeys` and for blocks that pass them on. */
export const selfAttentionKeys = ['numHeads', 'scale', 'attnVThreshold', ...neuronOptionKeys];

/** How the linear maps of one family are made. */
export interface MapOptions {
  /** Whether q, k and v have a bias; the last map always has one. */
  qkvBias: boolean;
  /** As in LinearBN. */
  initStd: number | null;
}

/** Resets must leave the neuron below the threshold, as `resolveLIF` demands of vThreshold. */
function checkAttnVThreshold(attnVThreshold: number, vReset: number | null): void {
  if (vReset === null && attnVThreshold <= 0) {
    throw invalid('attnVThreshold', 'positive where vReset is null (soft reset)', attnVThreshold);
  }
  if (vReset !== null && attnVThreshold <= vReset) {
    throw invalid('attnVThreshold', `greater than vReset (${vReset})`, attnVThreshold);
  }
}

/** A subclass adds its own neuron: before q, k and v, or after the last map. */
export abstract class SelfAttention extends CompositeLayer {
  protected readonly config: tf.serialization.ConfigDict;
  protected readonly neurons: NeuronFactory;
  readonly numHeads: number;
  private readonly scale: number;
  private readonly branchLifs: LIFNode[];
  private readonly attnLif: LIFNode;
  private branches: LinearBN[] = [];
  private proj!: LinearBN;

  /** @param ownKeys Options that only the subclass has. */
  constructor(config: SelfAttentionConfig, ownKeys: readonly string[] = []) {
    const { className } = new.target as unknown as { className: string };
    checkLayerKeys(className, config, [...selfAttentionKeys, ...ownKeys]);
    super(config);
    const { numHeads, scale = 0.125, attnVThreshold = 0.5 } = config;
    checkPositiveInteger('numHeads', numHeads);
    checkFinite('scale', scale);
    checkFinite('attnVThreshold', attnVThreshold);
    this.numHeads = numHeads;
    this.scale = scale;
    this.neurons = new NeuronFactory(config);
    checkAttnVThreshold(attnVThreshold, this.neurons.attrs.vReset);
    this.branchLifs = ['q', 'k', 'v'].map((name) => this.own(this.neurons.lif(`${name}_lif`)));
    this.attnLif = this.own(this.neurons.lif('attn_lif', { vThreshold: attnVThreshold }));
    this.config = { numHeads, scale, attnVThreshold, ...this.neurons.options };
  }

  protected abstract mapOptions(): MapOptions;

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkTokens(this.name, inputShape);
    if (channels % this.numHeads !== 0) {
      throw invalid('numHeads', `a divisor of the ${channels} channels`, this.numHeads);
    }
    const { qkvBias, initStd } = this.mapOptions();
    const map = (name: string, useBias: boolean) =>
      this.own(new LinearBN({ name, units: channels, useBias, initStd }));
    this.branches = ['q', 'k', 'v'].map((name) => map(name, qkvBias));
    this.proj = map('proj', true);
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  /** q, k, v each linear, BN, LIF; scale q kT v per head; LIF; linear, BN; where there is one, `lif`. */
  protected attend(x: tf.Tensor, kwargs: CallArgs, lif?: LIFNode): tf.Tensor {
    const [q, k, v] = this.branches.map((linear, i) => linear.fire(this.branchLifs[i]!, x, kwargs));
    const { numHeads, scale } = this;
    const product = multiHeadSpikingAttention(q!, k!, v!, { numHeads, scale });
    const attended = applyTo(this.attnLif, product, kwargs);
    return lif ? this.proj.fire(lif, attended, kwargs) : applyTo(this.proj, attended, kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}
