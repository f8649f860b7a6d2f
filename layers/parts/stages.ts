/** The first part of tokenizers: four downsampling stages, each twice as wide (arXiv 2209.15425, 2305.05954). */
import type * as tf from '@tensorflow/tfjs';
import { checkPositiveInteger, invalid } from '../../lib/validate';
import { CMLDownsample, type DownsampleOrder } from '../cml_downsample';
import { CompositeLayer, outputShapeInOrder } from '../composite';
import type { LayerArgs } from '../layer';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';

export interface TokenizerConfig extends LayerArgs, NeuronOptions {
  /** Channels per token, a multiple of 8. */
  embedDim: number;
  /** Side of a token in pixels: 2^k with k from 0 to 4; the last k of the first four stages pool. Default 4. */
  patchSize?: number;
  /** As in CMLDownsample. Default 'conv-bn-pool-lif'. */
  order?: DownsampleOrder;
  /** As in CMLDownsample: if given, the input is one image, presented at that many time steps. */
  timeSteps?: number | null;
}

const tokenizerKeys = ['embedDim', 'patchSize', 'order', 'timeSteps', ...neuronOptionKeys];

/** Channels of the four stages, as shares of embedDim. */
const widths = [1 / 8, 1 / 4, 1 / 2, 1];

/** The stages. A subclass owns what comes after them, at full width and without a pool, and computes the output. */
export abstract class StagedTokenizer extends CompositeLayer {
  protected readonly neuronOptions: Required<NeuronOptions>;
  protected readonly embedDim: number;
  protected readonly stages: readonly CMLDownsample[];
  private readonly patchSize: number;

  constructor(config: TokenizerConfig) {
    super(config, tokenizerKeys);
    const { embedDim, patchSize = 4, order = 'conv-bn-pool-lif', timeSteps = null } = config;
    checkPositiveInteger('embedDim', embedDim);
    if (embedDim % 8 !== 0) throw invalid('embedDim', 'a multiple of 8', embedDim);
    const pools = [1, 2, 4, 8, 16].indexOf(patchSize);
    if (pools < 0) throw invalid('patchSize', '1, 2, 4, 8 or 16', patchSize);
    const { options } = new NeuronFactory(config);
    this.neuronOptions = options;
    this.embedDim = embedDim;
    this.patchSize = patchSize;
    this.stages = widths.map((width, i) => {
      const pool = i >= widths.length - pools ? {} : { poolSize: 1, poolStrides: 1 };
      const image = { timeSteps: i === 0 ? timeSteps : null };
      const filters = embedDim * width;
      const name = `stage${i + 1}`;
      return this.own(new CMLDownsample({ name, filters, order, ...pool, ...image, ...options }));
    });
    this.config = { embedDim, patchSize, order, timeSteps, ...options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const [height, width] = inputShape.slice(-3);
    if (Math.min(height ?? this.patchSize, width ?? this.patchSize) < this.patchSize) {
      throw invalid(
        `The input of ${this.name}`,
        `an image of at least patchSize (${this.patchSize}) pixels per side`,
        inputShape,
      );
    }
    this.buildInOrder(this.sublayers, inputShape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return outputShapeInOrder(this.sublayers, inputShape);
  }
}
