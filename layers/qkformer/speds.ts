/**
 * QKFormer's patch embedding with deformed shortcut (SPEDS, arXiv 2403.16552): downsampling convolutions, and a way
 * around them.
 */
import type * as tf from '@tensorflow/tfjs';
import { checkBoolean, checkPositiveInteger, invalid } from '../../lib/validate';
import { runChain } from '../chain';
import { CMLDownsample } from '../cml_downsample';
import { CompositeLayer, outputShapeInOrder } from '../composite';
import { ConvBN } from '../conv_bn';
import { type CallArgs, type LayerArgs, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';

/** One of the stages of {@link Speds}. */
export interface SpedsStage {
  /** Output channels. */
  filters: number;
  /** Whether it halves the image: ConvBN, max pool, LIF instead of ConvBN, LIF. */
  pool: boolean;
}

/** Options of {@link Speds}. */
export interface SpedsConfig extends LayerArgs, NeuronOptions {
  /** Applied one after the other. */
  stages: SpedsStage[];
  /** The shortcut starts after this many stages; 0 is the input, which must then be spikes. Default 0. */
  shortcutFrom?: number;
  /** As in CMLDownsample: if given, the input is one image, presented at that many time steps. */
  timeSteps?: number | null;
}

/**
 * `[batch, time, height, width, channels]`, or an image if timeSteps is set -> whole numbers `[batch, time, height /
 * 2^k, width / 2^k, filters]`: the spikes of the stages plus LIF(BN(strided 1x1 convolution)) of what `shortcutFrom`
 * selects.
 */
export class Speds extends CompositeLayer {
  static className = 'Speds';
  private readonly stages: readonly CMLDownsample[];
  private readonly shortcutFrom: number;
  private readonly shortcut: readonly [ConvBN, LIFNode];

  constructor(config: SpedsConfig) {
    super(config, ['stages', 'shortcutFrom', 'timeSteps', ...neuronOptionKeys]);
    const { stages, shortcutFrom = 0, timeSteps = null } = config;
    if (!Array.isArray(stages) || stages.length === 0) {
      throw invalid('stages', 'a list of at least one stage', stages);
    }
    for (const [i, stage] of stages.entries()) {
      checkPositiveInteger(`stages[${i}].filters`, stage?.filters);
      checkBoolean(`stages[${i}].pool`, stage.pool);
    }
    const least = timeSteps === null ? 0 : 1; // An image is not spikes.
    if (!Number.isInteger(shortcutFrom) || shortcutFrom < least || shortcutFrom >= stages.length) {
      const range = `a whole number from ${least} to ${stages.length - 1}`;
      throw invalid('shortcutFrom', range, shortcutFrom);
    }
    this.shortcutFrom = shortcutFrom;
    const neurons = new NeuronFactory(config);
    this.stages = stages.map(({ filters, pool }, i) => {
      const pooling = pool ? {} : { poolSize: 1, poolStrides: 1 };
      const image = { timeSteps: i === 0 ? timeSteps : null };
      const options = { ...pooling, ...image, ...neurons.options };
      return this.own(new CMLDownsample({ name: `stage${i + 1}`, filters, ...options }));
    });
    const strides = 2 ** stages.slice(shortcutFrom).filter(({ pool }) => pool).length;
    const { filters } = stages.at(-1)!;
    this.shortcut = [
      this.own(new ConvBN({ name: 'shortcut', filters, kernelSize: 1, strides })),
      this.own(neurons.lif('shortcut_lif')),
    ];
    const copies = stages.map(({ filters, pool }) => ({ filters, pool }));
    this.config = { stages: copies, shortcutFrom, timeSteps, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const before = this.stages.slice(0, this.shortcutFrom);
    const middle = this.buildInOrder(before, inputShape);
    this.buildInOrder(this.stages.slice(this.shortcutFrom), middle);
    this.buildInOrder(this.shortcut, middle);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const middle = runChain(this.stages.slice(0, this.shortcutFrom), x, kwargs);
    const spikes = runChain(this.stages.slice(this.shortcutFrom), middle, kwargs);
    return spikes.add(runChain(this.shortcut, middle, kwargs));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return outputShapeInOrder(this.stages, inputShape);
  }
}

/**
 * A {@link Speds} (arXiv 2403.16552): `[batch, time, height, width, channels]` or an image -> whole numbers `[batch,
 * time, height / 2
 *
 * k, width / 2
 *
 * k, filters]`, with k pools.
 *
 * @throws if an option is unknown or invalid
 */
export const speds = (config: SpedsConfig) => new Speds(config);

register(Speds);
