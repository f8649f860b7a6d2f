/**
 * Spike-driven self-attention (SDSA, Yao et al., NeurIPS 2023, arXiv 2307.01694): masks and sums of spikes instead of
 * matrix products.
 */
import type * as tf from '@tensorflow/tfjs';
import { foldTime } from '../../lib/fold_time';
import { maxPool2d, maxPoolOverTime } from '../../lib/max_pool';
import { checkBoolean, checkFinite, checkPositiveInteger, invalid } from '../../lib/validate';
import { runChain } from '../chain';
import { applyTo, CompositeLayer } from '../composite';
import {
  type CallArgs,
  checkImages,
  checkTokens,
  type LayerArgs,
  oneShape,
  register,
} from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearBN } from '../linear_bn';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';
import { type OperationList, outputSizes, product } from '../operations';
import { emitInput } from '../spikes';
import { INIT_STD } from './init_std';

export interface SpikeDrivenAttentionConfig extends LayerArgs, NeuronOptions {
  /** Must divide the channels. Without dvsMode the result does not depend on it. */
  numHeads: number;
  /** Threshold of the mask's neuron; vThreshold does not apply to it. Default 0.5. */
  attnVThreshold?: number;
  /**
   * Whether spikes spread to their neighbors, as in the published network for CIFAR10-DVS: 3x3 max pools with stride 1
   * of k and v over height and width, and of k v and the masked q over the token index and the channels of a head, as
   * in that code. Default false.
   */
  dvsMode?: boolean;
}

const SPREAD = { poolSize: 3, strides: 1 };
const spreadOverImage = (x: tf.Tensor) => maxPoolOverTime(x, SPREAD);
const same = (x: tf.Tensor) => x;

/** Spreads spikes `[batch, time, tokens, heads, headDim]` over tokens and the channels of a head. */
function spreadInHeads(x: tf.Tensor): tf.Tensor {
  const images = foldTime(x).transpose<tf.Tensor4D>([0, 1, 3, 2]);
  return maxPool2d(images, SPREAD).transpose([0, 1, 3, 2]).reshape(x.shape);
}

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape, real numbers: s =
 * LIF(x); q, k, v = LIF(BN(linear(s))); mask = LIF(sum of k v over the tokens), one value per channel; BN(linear(q
 * mask)). No residual connection: SpikeDrivenBlock adds it. The cost is linear in tokens and channels.
 */
export class SpikeDrivenAttention extends CompositeLayer {
  static className = 'SpikeDrivenAttention';
  private readonly numHeads: number;
  private readonly dvsMode: boolean;
  private readonly lif: LIFNode;
  private readonly lifs: readonly LIFNode[];
  private readonly attnLif: LIFNode;
  private maps: readonly LinearBN[] = [];
  private proj!: LinearBN;

  constructor(config: SpikeDrivenAttentionConfig) {
    super(config, ['numHeads', 'attnVThreshold', 'dvsMode', ...neuronOptionKeys]);
    const { numHeads, attnVThreshold = 0.5, dvsMode = false } = config;
    checkPositiveInteger('numHeads', numHeads);
    checkFinite('attnVThreshold', attnVThreshold);
    checkBoolean('dvsMode', dvsMode);
    this.numHeads = numHeads;
    this.dvsMode = dvsMode;
    const neurons = new NeuronFactory(config);
    this.lif = this.own(neurons.lif('lif'));
    this.lifs = ['q', 'k', 'v'].map((name) => this.own(neurons.lif(`${name}_lif`)));
    this.attnLif = this.own(neurons.lif('attn_lif', { vThreshold: attnVThreshold }));
    this.config = { numHeads, attnVThreshold, dvsMode, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = (this.dvsMode ? checkImages : checkTokens)(this.name, inputShape);
    if (channels % this.numHeads !== 0) {
      throw invalid('numHeads', `a divisor of the ${channels} channels`, this.numHeads);
    }
    const map = (name: string, useBias: boolean) =>
      this.own(new LinearBN({ name, units: channels, useBias, initStd: INIT_STD }));
    this.maps = ['q', 'k', 'v'].map((name) => map(name, false));
    this.proj = map('proj', true);
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const spikes = applyTo(this.lif, x, kwargs);
    const [q, k, v] = this.maps.map((map, i) => runChain([map, this.lifs[i]!], spikes, kwargs));
    const [batch, time, channels] = [x.shape[0]!, x.shape[1]!, x.shape.at(-1)!];
    const byHead = (y: tf.Tensor) =>
      y.reshape([batch, time, -1, this.numHeads, channels / this.numHeads]);
    const [overImage, inHeads] = this.dvsMode ? [spreadOverImage, spreadInHeads] : [same, same];
    const met = inHeads(byHead(overImage(k!).mul(overImage(v!))));
    if (this.dvsMode) emitInput(this, met);
    const mask = applyTo(this.attnLif, met.sum(2, true), kwargs);
    const masked = inHeads(byHead(q!).mul(mask));
    return applyTo(this.proj, masked.reshape(x.shape), kwargs);
  }

  /**
   * The sum adds k's spikes where v fires; the mask lets q's spikes pass. Spread spikes count as often as they are
   * summed.
   */
  override operations(): OperationList {
    const sizes = outputSizes(this);
    const count = product(sizes);
    const row = {
      kind: 'attention' as const,
      operations: 2 * count,
      timeSteps: sizes[0]!,
      outputs: count,
      parameters: 0,
    };
    const terms = [
      { share: 0.5, gates: ['k_lif', 'v_lif'] },
      { share: 0.5, gates: ['attn_lif', 'q_lif'] },
    ];
    const masks = this.dvsMode ? row : { ...row, part: 'product', terms };
    return [...this.sublayers.filter((layer) => layer !== this.proj), masks, this.proj];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

export const spikeDrivenAttention = (config: SpikeDrivenAttentionConfig) =>
  new SpikeDrivenAttention(config);

register(SpikeDrivenAttention);
