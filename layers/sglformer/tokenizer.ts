/** SGLFormer's tokenizer: five stages of ConvBN, an optional pool, and LIF (doi 10.3389/fnins.2024.1371290). */
import type * as tf from '@tensorflow/tfjs';
import { checkOneOf, checkPositiveInteger, invalid } from '../../lib/validate';
import { runChain } from '../chain';
import { CMLDownsample } from '../cml_downsample';
import { CompositeLayer, outputShapeInOrder } from '../composite';
import { type CallArgs, type LayerArgs, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';
import { BatchLIF } from '../spikformer/batch_lif';
import { type ProjLifAxis, projLifAxes } from '../spikformer/self_attention';

export const poolings = ['late', 'early'] as const;
export type Pooling = (typeof poolings)[number];

/** Options of {@link SGLFormerTokenizer}. */
export interface SGLFormerTokenizerConfig extends LayerArgs, NeuronOptions {
  /** Channels per token, a multiple of 4. */
  embedDim: number;
  /**
   * The first stage has embedDim / stemRatio channels, rounded down; the others have 1/4, 1/2, 1 and 1 of embedDim.
   * Default 6; 8 in the ImageNet code.
   */
  stemRatio?: number;
  /** Side of a token in pixels: 2^k with k from 0 to 4; k stages pool. Default 4. */
  patchSize?: number;
  /** Which of the stages pool: the last (default) or the first. */
  pooling?: Pooling;
  /** What the first stage's neuron integrates over: 'time' (default), or 'released': time and batch. See BatchLIF. */
  firstLifAxis?: ProjLifAxis;
  /** As in CMLDownsample: if given, the input is one image, presented at that many time steps. */
  timeSteps?: number | null;
}

const ownKeys = ['embedDim', 'stemRatio', 'patchSize', 'pooling', 'firstLifAxis', 'timeSteps'];

/** A stage whose neuron treats time and batch as one axis. */
class BatchLIFStage extends CMLDownsample {
  protected override makeLIF(neurons: NeuronFactory): LIFNode {
    return new BatchLIF({ ...neurons.options, name: 'lif' });
  }
}

/**
 * `[batch, time, height, width, channels]`, or an image `[batch, height, width, channels]` if timeSteps is set -> spikes
 * `[batch, time, height / patchSize, width / patchSize, embedDim]` (sides rounded up).
 */
export class SGLFormerTokenizer extends CompositeLayer {
  static className = 'SGLFormerTokenizer';

  constructor(config: SGLFormerTokenizerConfig) {
    super(config, [...ownKeys, ...neuronOptionKeys]);
    const { embedDim, stemRatio = 6, patchSize = 4, timeSteps = null } = config;
    const { pooling = 'late', firstLifAxis = 'time' } = config;
    checkPositiveInteger('stemRatio', stemRatio);
    checkPositiveInteger('embedDim', embedDim);
    const stem = Math.floor(embedDim / stemRatio);
    if (embedDim % 4 !== 0 || stem === 0) {
      throw invalid('embedDim', `a multiple of 4, at least stemRatio (${stemRatio})`, embedDim);
    }
    const pools = [1, 2, 4, 8, 16].indexOf(patchSize);
    if (pools < 0) throw invalid('patchSize', '1, 2, 4, 8 or 16', patchSize);
    checkOneOf('pooling', pooling, poolings);
    checkOneOf('firstLifAxis', firstLifAxis, projLifAxes);
    const { options } = new NeuronFactory(config);
    const widths = [stem, embedDim / 4, embedDim / 2, embedDim, embedDim];
    widths.forEach((filters, i) => {
      const isPooled = pooling === 'early' ? i < pools : i >= widths.length - pools;
      const pool = isPooled ? {} : { poolSize: 1, poolStrides: 1 };
      const image = { timeSteps: i === 0 ? timeSteps : null };
      const Stage = i === 0 && firstLifAxis === 'released' ? BatchLIFStage : CMLDownsample;
      this.own(new Stage({ name: `stage${i + 1}`, filters, ...pool, ...image, ...options }));
    });
    const own = { embedDim, stemRatio, patchSize, pooling, firstLifAxis, timeSteps };
    this.config = { ...own, ...options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    this.buildInOrder(this.sublayers, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runChain(this.sublayers, x, kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return outputShapeInOrder(this.sublayers, inputShape);
  }
}

/**
 * An {@link SGLFormerTokenizer} (doi 10.3389/fnins.2024.1371290): `[batch, time, height, width, channels]` or an
 * image -> spikes `[batch, time, height / patchSize, width / patchSize, embedDim]`.
 *
 * @throws if an option is unknown or invalid
 */
export const sglFormerTokenizer = (config: SGLFormerTokenizerConfig) =>
  new SGLFormerTokenizer(config);

register(SGLFormerTokenizer);
