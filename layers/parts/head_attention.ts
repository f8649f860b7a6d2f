/** Attention without softmax over heads: q, k and v each linear, BN, LIF; scale q kT v per head; LIF (arXiv 2209.15425). */
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
  /** Threshold of the neuron after the product, which vThreshold does not touch. Default 0.5. */
  attnVThreshold?: number;
}

/** The options, for `checkLayerKeys` and for blocks that pass them on. */
export const headAttentionKeys = ['numHeads', 'scale', 'attnVThreshold', ...neuronOptionKeys];

/** How a family makes its linear maps if they are no LinearBN of such options: with a normalization of their own. */
export type MakeMap = (name: string, units: number) => tf.layers.Layer;

/** How the linear maps of a family are made. */
export interface MapOptions {
  /** Whether q, k and v have a bias. */
  useBias: boolean;
  /** As in LinearBN. */
  initStd: number | null;
}

/** Resets must leave the neuron below the threshold, as `resolveLIF` demands of vThreshold. */
export function checkAttnVThreshold(attnVThreshold: number, vReset: number | null): void {
  checkFinite('attnVThreshold', attnVThreshold);
  if (vReset === null && attnVThreshold <= 0) {
    throw invalid('attnVThreshold', 'positive where vReset is null (soft reset)', attnVThreshold);
  }
  if (vReset !== null && attnVThreshold <= vReset) {
    throw invalid('attnVThreshold', `greater than vReset (${vReset})`, attnVThreshold);
  }
}

/** The parts of an attention layer that takes them in: its neurons at once, its maps when the channels are known. */
export class HeadAttention {
  /** The options, complete. */
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

  /** Makes the maps q, k and v, for an input of that shape to the layer of that name; returns the channels. */
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
   * The spikes of the neuron behind the product, which is of all tokens unless another is given; tokens that kwargs.mask
   * leaves out add nothing.
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
   * The product's, of the layer that it is in: (q kT) v or q (kT v), whichever `spikingAttention` takes.
   * `groups` has the tokens of each group that attends by itself; default: one group of all.
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
