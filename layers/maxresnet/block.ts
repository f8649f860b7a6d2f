/**
 * A residual block with a membrane shortcut, and Max-ResNet's, which pools between its convolutions (arXiv 2505.18608).
 */
import type * as tf from '@tensorflow/tfjs';
import { maxPoolOverTime, pooledSize } from '../../lib/max_pool';
import { checkBoolean } from '../../lib/validate';
import { runChain } from '../chain';
import { applyTo, CompositeLayer, outputShapeInOrder } from '../composite';
import { ConvBN } from '../conv_bn';
import { type CallArgs, checkImages, type LayerArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';

export interface MaxResNetBlockConfig extends LayerArgs, NeuronOptions {
  /** Output channels. */
  filters: number;
  /** Whether a 3x3 max pool behind the first batch norm halves the image. Default false. */
  pool?: boolean;
}

/**
 * `[batch, time, height, width, channels]` -> real numbers `[batch, time, height', width', filters]`, with `pool` half
 * the sides (rounded up): LIF, 3x3 convolution, BN, pool, LIF, 3x3 convolution, BN, plus the shortcut. The shortcut is
 * the input or, if its shape differs, BN of its strided 1x1 convolution: real numbers, without neurons.
 */
export class MaxResNetBlock extends CompositeLayer {
  static className = 'MaxResNetBlock';
  private readonly filters: number;
  private readonly pool: boolean;
  private readonly first: readonly [LIFNode, ConvBN];
  private readonly second: readonly [LIFNode, ConvBN];
  private shortcut?: ConvBN;

  constructor(config: MaxResNetBlockConfig) {
    super(config, ['filters', 'pool', ...neuronOptionKeys]);
    const { filters, pool = false } = config;
    checkBoolean('pool', pool);
    this.filters = filters;
    this.pool = pool;
    const neurons = new NeuronFactory(config);
    const half = (n: number) =>
      [
        this.own(neurons.lif(`lif${n}`)),
        this.own(new ConvBN({ name: `conv${n}`, filters })),
      ] as const;
    this.first = half(1);
    this.second = half(2);
    this.config = { filters, pool, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkImages(this.name, inputShape);
    const middle = this.buildInOrder(this.first, inputShape);
    this.buildInOrder(this.second, this.pooledShape(middle));
    if (!this.pool && channels === this.filters) return;
    const options = { filters: this.filters, kernelSize: 1, strides: this.pool ? 2 : 1 };
    this.shortcut = this.own(new ConvBN({ name: 'shortcut', ...options }));
    this.buildSublayer(this.shortcut, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const y = this.pool
      ? runChain(this.second, maxPoolOverTime(runChain(this.first, x, kwargs)), kwargs)
      : runChain([...this.first, ...this.second], x, kwargs);
    return y.add(this.shortcut ? applyTo(this.shortcut, x, kwargs) : x);
  }

  private pooledShape(shape: tf.Shape): tf.Shape {
    const side = (n: number | null) => (n && this.pool ? pooledSize(n) : n);
    const [batch, time, height, width, channels] = shape;
    return [batch!, time!, side(height!), side(width!), channels!];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return this.pooledShape(outputShapeInOrder(this.first, oneShape(inputShape)));
  }
}

export const maxResNetBlock = (config: MaxResNetBlockConfig) => new MaxResNetBlock(config);

register(MaxResNetBlock);
