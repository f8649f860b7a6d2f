/**
 * A patch embedding with a membrane shortcut: neurons, then downsampling convolutions, and a way around them. It
 * returns real numbers, which the neurons of the blocks behind it turn into spikes (arXiv 2505.18608).
 */
import type * as tf from '@tensorflow/tfjs';
import { maxPoolOverTime, pooledSize } from '../../lib/max_pool';
import { checkBoolean, checkOneOf, checkPositiveInteger, invalid } from '../../lib/validate';
import { runChain } from '../chain';
import { CMLDownsample } from '../cml_downsample';
import { applyTo, CompositeLayer, outputShapeInOrder } from '../composite';
import { ConvBN } from '../conv_bn';
import { type CallArgs, type LayerArgs, oneShape } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';

const downsamples = ['pool', 'stride', 'none'] as const;

export interface MembraneStage {
  /** Output channels. */
  filters: number;
  /** What halves the image: a max pool after the batch norm, the stride of the convolution, or nothing. */
  downsample: 'pool' | 'stride' | 'none';
}

export interface MembraneEmbedConfig extends LayerArgs, NeuronOptions {
  /** 3x3 ConvBNs, one after the other, with neurons between them. */
  stages: MembraneStage[];
  /**
   * Whether the first stage convolves the input directly (pixels or event counts). If false, neurons come first.
   * Default: true if timeSteps is given.
   */
  encodes?: boolean;
  /** The shortcut starts after this many stages, from the spikes that enter the next one. Default 0. */
  shortcutFrom?: number;
  /** What halves the image on the shortcut, as often as the stages that it bypasses: 'stride' (default) or 'pool'. */
  shortcutDownsample?: 'pool' | 'stride';
  /** As in CMLDownsample: if given, the input is one image, presented at that many time steps. */
  timeSteps?: number | null;
}

const ownKeys = ['stages', 'encodes', 'shortcutFrom', 'shortcutDownsample', 'timeSteps'];

function checkStages(stages: readonly MembraneStage[]): void {
  if (!Array.isArray(stages) || stages.length === 0) {
    throw invalid('stages', 'a list of at least one stage', stages);
  }
  for (const [i, stage] of stages.entries()) {
    checkPositiveInteger(`stages[${i}].filters`, stage?.filters);
    checkOneOf(`stages[${i}].downsample`, stage.downsample, downsamples);
  }
}

/** Halves the images `times` times, with 3x3 max pools. */
const pooled = (x: tf.Tensor, times: number) =>
  Array.from({ length: times }).reduce<tf.Tensor>((y) => maxPoolOverTime(y), x);

/**
 * `[batch, time, height, width, channels]`, or an image `[batch, height, width, channels]` if timeSteps is given ->
 * real numbers `[batch, time, height / 2^k, width / 2^k, filters]` (sides rounded up): the output of the last stage
 * plus BN of the 1x1 convolution of the spikes that `shortcutFrom` selects.
 */
export abstract class MembraneEmbed extends CompositeLayer {
  /** All stages but the last, each with the neurons after it. */
  private readonly stages: readonly CMLDownsample[];
  private readonly proj: ConvBN;
  private readonly shortcut: ConvBN;
  /** The layers before the shortcut. */
  private readonly before: readonly (LIFNode | CMLDownsample)[];
  private readonly after: readonly CMLDownsample[];
  private readonly pools: { proj: number; shortcut: number };

  constructor(config: MembraneEmbedConfig) {
    super(config, [...ownKeys, ...neuronOptionKeys]);
    const { stages, shortcutFrom = 0, shortcutDownsample = 'stride', timeSteps = null } = config;
    const { encodes = timeSteps !== null } = config;
    checkStages(stages);
    checkBoolean('encodes', encodes);
    if (timeSteps !== null && !encodes) throw invalid('encodes', 'true with timeSteps', encodes);
    const least = encodes ? 1 : 0; // Pixels and counts are not spikes.
    if (!Number.isInteger(shortcutFrom) || shortcutFrom < least || shortcutFrom >= stages.length) {
      const range = `a whole number from ${least} to ${stages.length - 1}`;
      throw invalid('shortcutFrom', range, shortcutFrom);
    }
    checkOneOf('shortcutDownsample', shortcutDownsample, ['pool', 'stride']);

    const neurons = new NeuronFactory(config);
    const lif = encodes ? [] : [this.own(neurons.lif('lif'))];
    this.stages = stages.slice(0, -1).map(({ filters, downsample }, i) => {
      const pool = downsample === 'pool' ? {} : { poolSize: 1, poolStrides: 1 };
      const strides = downsample === 'stride' ? 2 : 1;
      const image = { timeSteps: i === 0 ? timeSteps : null };
      const options = { filters, strides, ...pool, ...image, ...neurons.options };
      return this.own(new CMLDownsample({ name: `stage${i + 1}`, ...options }));
    });
    this.before = [...lif, ...this.stages.slice(0, shortcutFrom)];
    this.after = this.stages.slice(shortcutFrom);

    const { filters, downsample } = stages.at(-1)!;
    const halvings = stages.slice(shortcutFrom).filter((stage) => stage.downsample !== 'none');
    const strides = shortcutDownsample === 'stride' ? 2 ** halvings.length : 1;
    const own = (name: string, kernelSize: number, strides: number) =>
      this.own(new ConvBN({ name, filters, kernelSize, strides }));
    this.proj = own('proj', 3, downsample === 'stride' ? 2 : 1);
    this.shortcut = own('shortcut', 1, strides);
    this.pools = {
      proj: downsample === 'pool' ? 1 : 0,
      shortcut: shortcutDownsample === 'pool' ? halvings.length : 0,
    };
    const copies = stages.map(({ filters, downsample }) => ({ filters, downsample }));

    const shortcuts = { shortcutFrom, shortcutDownsample };
    this.config = { stages: copies, encodes, ...shortcuts, timeSteps, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const middle = this.buildInOrder(this.before, inputShape);
    this.buildInOrder([...this.after, this.proj], middle);
    this.buildSublayer(this.shortcut, middle);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const spikes = runChain(this.before, x, kwargs);
    const main = runChain([...this.after, this.proj], spikes, kwargs);
    const around = applyTo(this.shortcut, spikes, kwargs);
    return pooled(main, this.pools.proj).add(pooled(around, this.pools.shortcut));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const layers = [...this.before, ...this.after, this.proj];
    const [batch, time, height, width, filters] = outputShapeInOrder(layers, oneShape(inputShape));
    const side = (n: number | null) => (n && this.pools.proj ? pooledSize(n) : n);
    return [batch!, time!, side(height!), side(width!), filters!];
  }
}
