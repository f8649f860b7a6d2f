/**
 * Attention over heads without softmax: q, k and v each linear, BN, LIF; scale q kT v per head; LIF (arXiv 2209.15425).
 */
import type * as tf from '@tensorflow/tfjs';
import { multiHeadSpikingAttention } from '../../lib/attention';
import { checkFinite, checkPositiveInteger, invalid } from '../../lib/validate';
import { runChain } from '../chain';
import { applyTo } from '../composite';
import { type CallArgs, checkTokens, type LayerArgs } from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearBN } from '../linear_bn';
import { type NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';
import { type OperationOptions, type Operations, outputSizes, product } from '../operations';
import { tokenMask } from './token_mask';

export interface HeadAttentionConfig extends LayerArgs, NeuronOptions {
  /** Must divide the channels. */
  numHeads: number;
  /** Factor on q kT v. Default 0.125, whatever the size of a head. */
  scale?: number;
  /** Threshold of the neuron after the product; vThreshold does not apply to it. Default 0.5. */
  attnVThreshold?: number;
}

/** The option names, for `checkLayerKeys` and for blocks that pass them on. */
export const headAttentionKeys = ['numHeads', 'scale', 'attnVThreshold', ...neuronOptionKeys];

/** Makes a family's linear map and its normalization, if that is not a LinearBN with such options. */
export type MakeMap = (name: string, units: number) => tf.layers.Layer;

/** How the linear maps of a family are made. */
export interface MapOptions {
  /** Whether q, k and v have a bias. */
  useBias: boolean;
  /** As in LinearBN. */
  initStd: number | null;
}

/** A reset must leave the neuron below the threshold, as `resolveLIF` demands of vThreshold. */
export function checkAttnVThreshold(attnVThreshold: number, vReset: number | null): void {
  checkFinite('attnVThreshold', attnVThreshold);
  if (vReset === null && attnVThreshold <= 0) {
    throw invalid('attnVThreshold', 'positive if vReset is null (soft reset)', attnVThreshold);
  }
  if (vReset !== null && attnVThreshold <= vReset) {
    throw invalid('attnVThreshold', `greater than vReset (${vReset})`, attnVThreshold);
  }
}

/** The parts of an attention layer that owns them: the neurons right away, the maps once the channels are known. */
export class HeadAttention {
  /** The complete options. */
  readonly config: { numHeads: number; scale: number; attnVThreshold: number };
  readonly lifs: readonly LIFNode[];
  private readonly attnLif: LIFNode;
  private maps: readonly tf.layers.Layer[] = [];

  constructor(config: HeadAttentionConfig, neurons: NeuronFactory) {
    const { numHeads, scale = 0.125, attnVThreshold = 0.5 } = config;
    checkPositiveInteger('numHeads', numHeads);
    checkFinite('scale', scale);
    checkAttnVThreshold(attnVThreshold, neurons.attrs.vReset);
    this.config = { numHeads, scale, attnVThreshold };
    this.attnLif = neurons.lif('attn_lif', { vThreshold: attnVThreshold });
    this.lifs = [...['q', 'k', 'v'].map((name) => neurons.lif(`${name}_lif`)), this.attnLif];
  }

  /**
   * Makes the maps q, k and v for an attention layer's input shape, and returns the channels. `name` is the layer's.
   */
  makeMaps(name: string, inputShape: tf.Shape, options: MapOptions | MakeMap): tf.layers.Layer[] {
    const channels = checkTokens(name, inputShape);
    const { numHeads } = this.config;
    if (channels % numHeads !== 0) {
      throw invalid('numHeads', `a divisor of the ${channels} channels`, numHeads);
    }
    const make: MakeMap =
      typeof options === 'function'
        ? options
        : (map, units) => new LinearBN({ name: map, units, ...options });
    const maps = ['q', 'k', 'v'].map((map) => make(map, channels));
    this.maps = maps;
    return maps;
  }

  /**
   * The spikes of the neuron after the product, `spikingAttention` over all tokens by default. Tokens that kwargs.mask
   * leaves out contribute nothing.
   */
  attend(x: tf.Tensor, kwargs: CallArgs, attention = multiHeadSpikingAttention): tf.Tensor {
    const mask = tokenMask(x, kwargs);
    const [q, k, v] = this.maps.map((map, i) => runChain([map, this.lifs[i]!], x, kwargs));
    const { numHeads, scale } = this.config;
    const masked = (spikes: tf.Tensor) => (mask ? spikes.mul(mask) : spikes);
    const attended = attention(masked(q!), masked(k!), v!, { numHeads, scale });
    return applyTo(this.attnLif, attended, kwargs);
  }

  /**
   * The row of the product in its layer: (q kT) v or q (kT v), whichever `spikingAttention` computes. `groups` gives
   * the number of tokens of each group that attends within itself. Default: one group with all tokens.
   */
  operations(
    layer: tf.layers.Layer,
    { attentionHeads: heads = this.config.numHeads }: OperationOptions,
    groups?: readonly number[],
  ): Operations {
    const sizes = outputSizes(layer);
    const [time, channels] = [sizes[0]!, sizes.at(-1)!];
    const counts = groups ?? [product(sizes.slice(1, -1))];
    if (channels % heads !== 0) {
      throw invalid('attentionHeads', `a divisor of the ${channels} channels`, heads);
    }
    const headDim = channels / heads;
    const [q, k, v] = this.lifs.map(({ name }) => name);
    const inner = (tokens: number) => Math.min(tokens, headDim);
    const sum = (of: (tokens: number) => number) => counts.reduce((all, n) => all + of(n), 0);
    const [first, last] = Math.max(...counts) < headDim ? [[q!, k!], v!] : [[k!, v!], q!];
    return {
      part: 'product',
      kind: 'attention',
      operations: 2 * time * heads * headDim * sum((tokens) => tokens * inner(tokens)),
      timeSteps: time,
      outputs: time * sum((tokens) => tokens * (channels + heads * inner(tokens))),
      parameters: 0,
      terms: [
        { share: 0.5, gates: first },
        { share: 0.5, gates: [last] },
      ],
    };
  }
}
