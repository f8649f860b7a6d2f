/**
 * QKFormer's attention with two factors: the spikes of q decide which tokens, or channels, of k pass (arXiv
 * 2403.16552).
 */
import type * as tf from '@tensorflow/tfjs';
import { checkBoolean, checkOneOf, checkPositiveInteger, invalid } from '../../lib/validate';
import { runChain } from '../chain';
import { applyTo, CompositeLayer } from '../composite';
import { type CallArgs, checkTokens, type LayerArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearBN } from '../linear_bn';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';
import { type OperationList, outputSizes, product } from '../operations';
import { checkAttnVThreshold } from '../parts/head_attention';

const maskAxes = ['token', 'channel'] as const;
const qkAttentionKeys = ['numHeads', 'maskAxis', 'attnVThreshold', 'preActivation'];

/** Options of {@link QKAttention}. */
export interface QKAttentionConfig extends LayerArgs, NeuronOptions {
  /** Must divide the channels. With maskAxis 'channel' the result does not depend on it. */
  numHeads: number;
  /**
   * What the mask selects. 'token' (default): the sum of q over the channels of a head, one value per token and head;
   * 'channel': the sum over tokens, one value per channel.
   */
  maskAxis?: 'token' | 'channel';
  /** Threshold of the mask's neuron; vThreshold does not apply to it. Default 0.5. */
  attnVThreshold?: number;
  /**
   * Whether the last neuron moves to the front, before q and k: input and output are then real numbers, as in
   * MS-QKFormer (arXiv 2505.18608). Default false.
   */
  preActivation?: boolean;
}

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> spikes of the same shape: q and k
 * each linear, BN, LIF; mask = LIF(sum of q); LIF(BN(linear(mask k))). The cost is linear in the tokens. With
 * preActivation: LIF; q, k and mask as before; BN(linear(mask k)).
 */
export class QKAttention extends CompositeLayer {
  static className = 'QKAttention';
  private readonly numHeads: number;
  private readonly maskAxis: 'token' | 'channel';
  private readonly preActivation: boolean;
  private readonly lifs: readonly [q: LIFNode, k: LIFNode, attn: LIFNode, proj: LIFNode];
  private maps!: readonly [q: LinearBN, k: LinearBN, proj: LinearBN];

  constructor(config: QKAttentionConfig) {
    super(config, [...qkAttentionKeys, ...neuronOptionKeys]);
    const { numHeads, maskAxis = 'token', attnVThreshold = 0.5, preActivation = false } = config;
    checkPositiveInteger('numHeads', numHeads);
    checkOneOf('maskAxis', maskAxis, maskAxes);
    const neurons = new NeuronFactory(config);
    checkAttnVThreshold(attnVThreshold, neurons.attrs.vReset);
    this.numHeads = numHeads;
    this.maskAxis = maskAxis;
    checkBoolean('preActivation', preActivation);
    this.preActivation = preActivation;
    this.lifs = [
      this.own(neurons.lif('q_lif')),
      this.own(neurons.lif('k_lif')),
      this.own(neurons.lif('attn_lif', { vThreshold: attnVThreshold })),
      this.own(neurons.lif('proj_lif')),
    ];
    this.config = { numHeads, maskAxis, attnVThreshold, preActivation, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkTokens(this.name, inputShape);
    if (channels % this.numHeads !== 0) {
      throw invalid('numHeads', `a divisor of the ${channels} channels`, this.numHeads);
    }
    const map = (name: string, useBias: boolean) =>
      this.own(new LinearBN({ name, units: channels, useBias }));
    this.maps = [map('q', false), map('k', false), map('proj', true)];
    for (const layer of this.sublayers) this.buildSublayer(layer, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const [qMap, kMap, proj] = this.maps;
    const [qLif, kLif, attnLif, projLif] = this.lifs;
    const input = this.preActivation ? applyTo(projLif, x, kwargs) : x;
    const q = runChain([qMap, qLif], input, kwargs);
    const k = runChain([kMap, kLif], input, kwargs);
    const [batch, time, channels] = [x.shape[0]!, x.shape[1]!, x.shape.at(-1)!];
    const byHead = [batch, time, -1, this.numHeads, channels / this.numHeads];
    const heads = q.reshape(byHead);
    const sum = heads.sum(this.maskAxis === 'token' ? 4 : 2, true);
    const masked = k.reshape(byHead).mul(applyTo(attnLif, sum, kwargs));
    const last = this.preActivation ? [proj] : [proj, projLif];
    return runChain(last, masked.reshape(x.shape), kwargs);
  }

  /** The sum adds q's spikes; the mask lets k's spikes pass. */
  override operations(): OperationList {
    const sizes = outputSizes(this);
    const count = product(sizes);
    const mask = {
      part: 'product',
      kind: 'attention' as const,
      operations: 2 * count,
      timeSteps: sizes[0]!,
      outputs: count,
      parameters: 0,
      terms: [
        { share: 0.5, gates: ['q_lif'] },
        { share: 0.5, gates: ['attn_lif', 'k_lif'] },
      ],
    };
    const proj = this.maps[2];
    return [...this.sublayers.filter((layer) => layer !== proj), mask, proj];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

/**
 * A {@link QKAttention} (arXiv 2403.16552): `[batch, time, tokens, channels]` or `[batch, time, height, width,
 * channels]` -> spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const qkAttention = (config: QKAttentionConfig) => new QKAttention(config);

register(QKAttention);
