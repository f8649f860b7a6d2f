/**
 * The Spike-driven Transformer's tokenizer (arXiv 2307.01694): four convolutions, and a fifth that encodes positions.
 */
import type * as tf from '@tensorflow/tfjs';
import { maxPoolOverTime, pooledSize } from '../../lib/max_pool';
import { checkPositiveInteger, invalid } from '../../lib/validate';
import { runChain, runResidual } from '../chain';
import { CMLDownsample } from '../cml_downsample';
import { CompositeLayer, outputShapeInOrder } from '../composite';
import { ConvBN } from '../conv_bn';
import { type CallArgs, type LayerArgs, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';
import { INIT_STD } from './init_std';

/** Options of {@link SpikeDrivenTokenizer}. */
export interface SpikeDrivenTokenizerConfig extends LayerArgs, NeuronOptions {
  /** Channels per token, a multiple of 8. */
  embedDim: number;
  /**
   * One digit for each of the four convolutions: 1 if a 3x3 max pool with stride 2 follows, else 0. Default '1111'. The
   * authors' pooling_stat.
   */
  poolingStat?: string;
  /** As in CMLDownsample: if given, the input is one image, presented at that many time steps. */
  timeSteps?: number | null;
}

/**
 * `[batch, time, height, width, channels]`, or an image `[batch, height, width, channels]` if timeSteps is set ->
 * real-valued tokens `[batch, time, height / 2^k, width / 2^k, embedDim]` (sides rounded up), with k pools: three
 * stages of convolution, BN, LIF and, by poolingStat, max pool of the spikes; y = pool(BN(convolution)); y +
 * BN(convolution(LIF(y))).
 */
export class SpikeDrivenTokenizer extends CompositeLayer {
  static className = 'SpikeDrivenTokenizer';
  private readonly stages: readonly CMLDownsample[];
  private readonly convBN: ConvBN;
  private readonly pools: boolean;
  private readonly lif: LIFNode;
  private readonly rpe: ConvBN;

  constructor(config: SpikeDrivenTokenizerConfig) {
    super(config, ['embedDim', 'poolingStat', 'timeSteps', ...neuronOptionKeys]);
    const { embedDim, poolingStat = '1111', timeSteps = null } = config;
    checkPositiveInteger('embedDim', embedDim);
    if (embedDim % 8 !== 0) throw invalid('embedDim', 'a multiple of 8', embedDim);
    if (typeof poolingStat !== 'string' || !/^[01]{4}$/.test(poolingStat)) {
      throw invalid('poolingStat', "four digits 0 or 1, such as '0011'", poolingStat);
    }
    const neurons = new NeuronFactory(config);
    const pools = [...poolingStat].map((digit) => digit === '1');
    const order = 'conv-bn-lif-pool' as const;
    this.stages = [1 / 8, 1 / 4, 1 / 2].map((width, i) => {
      const pool = pools[i] ? {} : { poolSize: 1, poolStrides: 1 };
      const image = { timeSteps: i === 0 ? timeSteps : null };
      const options = { order, initStd: INIT_STD, ...pool, ...image, ...neurons.options };
      const filters = embedDim * width;
      return this.own(new CMLDownsample({ name: `stage${i + 1}`, filters, ...options }));
    });
    const conv = (name: string) => new ConvBN({ name, filters: embedDim, initStd: INIT_STD });
    this.convBN = this.own(conv('conv_bn'));
    this.pools = pools[3]!;
    this.lif = this.own(neurons.lif('lif'));
    this.rpe = this.own(conv('rpe'));
    this.config = { embedDim, poolingStat, timeSteps, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const convolved = this.buildInOrder([...this.stages, this.convBN], inputShape);
    this.buildInOrder([this.lif, this.rpe], this.pooledShape(convolved));
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const convolved = runChain([...this.stages, this.convBN], x, kwargs);
    const membranes = this.pools ? maxPoolOverTime(convolved) : convolved;
    return runResidual([this.lif, this.rpe], membranes, kwargs);
  }

  private pooledShape(shape: tf.Shape): tf.Shape {
    if (!this.pools) return shape;
    const [batch, time, height, width, channels] = shape;
    const side = (n: number | null) => n && pooledSize(n);
    return [batch!, time!, side(height!), side(width!), channels!];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return this.pooledShape(outputShapeInOrder([...this.stages, this.convBN], inputShape));
  }
}

/**
 * A {@link SpikeDrivenTokenizer} (arXiv 2307.01694): `[batch, time, height, width, channels]` or an image -> real
 * numbers `[batch, time, height / 2
 *
 * k, width / 2
 *
 * k, embedDim]`, with k pools.
 *
 * @throws if an option is unknown or invalid
 */
export const spikeDrivenTokenizer = (config: SpikeDrivenTokenizerConfig) =>
  new SpikeDrivenTokenizer(config);

register(SpikeDrivenTokenizer);
