/** What the tokenizers of Spikingformer and Spikformer share: four downsampling stages, each twice as wide. */
import type * as tf from '@tensorflow/tfjs';
import { checkPositiveInteger, invalid } from '../lib/validate';
import { applyTo, CompositeLayer } from './_composite';
import { type CallArgs, checkLayerKeys, type LayerArgs, oneShape } from './_layer';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from './_neuron_options';
import { CMLDownsample, type DownsampleOrder } from './cml_downsample';

export interface TokenizerConfig extends LayerArgs, NeuronOptions {
  /** Channels of a token, a multiple of 8. */
  embedDim: number;
  /** Pixels of the image to one side of a token: 2^k with k from 0 to 4; the last k of the first four stages pool. Default 4. */
  patchSize?: number;
  /** As in CMLDownsample. Default 'conv-bn-pool-lif'. */
  order?: DownsampleOrder;
  /** As in CMLDownsample: where given, the input is one image, presented at that many time steps. */
  timeSteps?: number | null;
}

const ownKeys = ['embedDim', 'patchSize', 'order', 'timeSteps'];

/** Channels of the four stages, as shares of embedDim. */
const widths = [1 / 8, 1 / 4, 1 / 2, 1];

/** A subclass adds what comes after the stages, at full width and without a pool. */
export abstract class Tokenizer extends CompositeLayer {
  protected readonly neuronOptions: Required<NeuronOptions>;
  protected readonly embedDim: number;
  private readonly config: tf.serialization.ConfigDict;
  private readonly patchSize: number;

  constructor(config: TokenizerConfig) {
    const { className } = new.target as unknown as { className: string };
    checkLayerKeys(className, config, [...ownKeys, ...neuronOptionKeys]);
    super(config);
    const { embedDim, patchSize = 4, order = 'conv-bn-pool-lif', timeSteps = null } = config;
    checkPositiveInteger('embedDim', embedDim);
    if (embedDim % 8 !== 0) throw invalid('embedDim', 'a multiple of 8', embedDim);
    const pools = [1, 2, 4, 8, 16].indexOf(patchSize);
    if (pools < 0) throw invalid('patchSize', '1, 2, 4, 8 or 16', patchSize);
    const { options } = new NeuronFactory(config);
    this.neuronOptions = options;
    this.embedDim = embedDim;
    this.patchSize = patchSize;
    widths.forEach((width, i) => {
      const pool = i >= widths.length - pools ? {} : { poolSize: 1, poolStrides: 1 };
      const image = { timeSteps: i === 0 ? timeSteps : null };
      const filters = embedDim * width;
      const name = `stage${i + 1}`;
      this.own(new CMLDownsample({ name, filters, order, ...pool, ...image, ...options }));
    });
    this.config = { embedDim, patchSize, order, timeSteps, ...options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const [height, width] = inputShape.slice(-3);
    if (Math.min(height ?? this.patchSize, width ?? this.patchSize) < this.patchSize) {
      throw invalid(
        `The input of ${this.name}`,
        `an image of at least patchSize (${this.patchSize}) pixels a side`,
        inputShape,
      );
    }
    let shape = inputShape;
    for (const layer of this.sublayers) shape = this.buildSublayer(layer, shape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const stages = this.sublayers.slice(0, widths.length);
    const spikes = stages.reduce((y, layer) => applyTo(layer, y, kwargs), x);
    return this.finish(spikes, kwargs);
  }

  /** Tokens of the stages' spikes. */
  protected abstract finish(spikes: tf.Tensor, kwargs: CallArgs): tf.Tensor;

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return this.sublayers.reduce(
      (shape, layer) => layer.computeOutputShape(shape) as tf.Shape,
      oneShape(inputShape),
    );
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}
