/**
 * SNN-optimized downsampling with precise gradients (CML, arXiv 2305.05954): ConvBN, max pool, LIF. The pool takes real
 * numbers, so the gradient goes to the neuron input that was the largest; in the earlier order it takes spikes, whose
 * maximum always ties.
 */
import type * as tf from '@tensorflow/tfjs';
import { repeatOverTime } from '../lib/fold_time';
import { maxPoolOverTime, pooledSize, resolveMaxPool } from '../lib/max_pool';
import { checkOneOf, checkPositiveInteger, invalid } from '../lib/validate';
import { runChain } from './chain';
import { applyTo, CompositeLayer } from './composite';
import { ConvBN } from './conv_bn';
import { type CallArgs, type LayerArgs, oneShape, register } from './layer';
import type { LIFNode } from './lif_node';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from './neuron_options';
import { markSpikes } from './silent';

export const downsampleOrders = ['conv-bn-pool-lif', 'conv-bn-lif-pool'] as const;
export type DownsampleOrder = (typeof downsampleOrders)[number];

/** Options of {@link CMLDownsample}. */
export interface CMLDownsampleConfig extends LayerArgs, NeuronOptions {
  /** Output channels. */
  filters: number;
  /** Side of the convolution's kernel, odd. Default 3. */
  kernelSize?: number;
  /** Stride of the convolution. Default 1. */
  strides?: number;
  /**
   * Side of the pool's window. Default 3. The padding is floor((poolSize - 1) / 2). 1 with poolStrides 1 means no pool.
   */
  poolSize?: number;
  /** Stride of the pool. Default 2. */
  poolStrides?: number;
  /** 'conv-bn-pool-lif' (CML, the default) or 'conv-bn-lif-pool' (the earlier order). */
  order?: DownsampleOrder;
  /**
   * If given, the input is one image `[batch, height, width, channels]`, presented at that many time steps; everything
   * before the first neuron is then computed once.
   */
  timeSteps?: number | null;
  /** As in LinearBN. */
  initStd?: number | null;
}

const ownKeys = [
  ...['filters', 'kernelSize', 'strides', 'poolSize', 'poolStrides'],
  ...['order', 'timeSteps', 'initStd'],
];

/**
 * `[batch, time, height, width, channels]` -> spikes `[batch, time, height / 2, width / 2, filters]` with the default
 * strides.
 */
export class CMLDownsample extends CompositeLayer {
  static className = 'CMLDownsample';
  private readonly pool: { poolSize: number; strides: number; padding: number };
  private readonly order: DownsampleOrder;
  private readonly timeSteps: number | null;
  private readonly convBN: ConvBN;
  private readonly lif: LIFNode;

  constructor(config: CMLDownsampleConfig) {
    super(config, [...ownKeys, ...neuronOptionKeys]);
    const { filters, kernelSize = 3, poolSize = 3, poolStrides = 2, timeSteps = null } = config;
    const { order = 'conv-bn-pool-lif', strides = 1, initStd = null } = config;
    checkPositiveInteger('poolStrides', poolStrides);
    checkOneOf('order', order, downsampleOrders);
    if (timeSteps !== null) checkPositiveInteger('timeSteps', timeSteps);
    this.pool = resolveMaxPool({ poolSize, strides: poolStrides });
    this.order = order;
    this.timeSteps = timeSteps;
    const neurons = new NeuronFactory(config);
    const conv = { filters, kernelSize, strides, initStd };
    this.convBN = this.own(new ConvBN({ name: 'conv_bn', ...conv }));
    this.convBN.repeats = timeSteps ?? 1;
    this.lif = this.own(this.makeLIF(neurons));
    this.config = {
      filters,
      kernelSize,
      strides,
      poolSize,
      poolStrides,
      order,
      timeSteps,
      ...neurons.options,
      ...(initStd !== null && { initStd }),
    };
  }

  /** Called by the constructor. */
  protected makeLIF(neurons: NeuronFactory): LIFNode {
    return neurons.lif('lif');
  }

  /** The input's shape with a time axis; an image has one time step. */
  private withTime(shape: tf.Shape): tf.Shape {
    const expected = this.timeSteps
      ? '[batch, height, width, channels], an image, since timeSteps is set'
      : '[batch, time, height, width, channels]';
    if (shape.length !== (this.timeSteps ? 4 : 5)) {
      throw invalid(`The input of ${this.name}`, `of shape ${expected}`, shape);
    }
    return this.timeSteps ? [shape[0]!, 1, ...shape.slice(1)] : shape;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const outputShape = this.computeOutputShape(inputShape);
    this.buildSublayer(this.convBN, this.withTime(inputShape));
    this.buildSublayer(this.lif, outputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const { timeSteps } = this;
    const poolsFirst = this.order === 'conv-bn-pool-lif' && !this.poolsNothing();
    if (!timeSteps && !poolsFirst) {
      return markSpikes(this.pooled(runChain([this.convBN, this.lif], x, kwargs)));
    }
    const steps = timeSteps ? x.expandDims(1) : x;
    const merged = poolsFirst && this.convBN.withPool(this.pool, steps, kwargs);
    const y = merged || applyTo(this.convBN, steps, kwargs);
    const overTime = (z: tf.Tensor) => (timeSteps ? repeatOverTime(z.squeeze([1]), timeSteps) : z);
    return poolsFirst
      ? applyTo(this.lif, overTime(merged || this.pooled(y)), kwargs)
      : markSpikes(this.pooled(applyTo(this.lif, overTime(y), kwargs)));
  }

  private poolsNothing(): boolean {
    return this.pool.poolSize === 1 && this.pool.strides === 1;
  }

  private pooled(x: tf.Tensor): tf.Tensor {
    return this.poolsNothing() ? x : maxPoolOverTime(x, this.pool);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const convolved = this.convBN.computeOutputShape(this.withTime(oneShape(inputShape)));
    const [batch, time, height, width, filters] = convolved;
    const side = (n: number | null) => {
      const pooled = n && pooledSize(n, this.pool);
      if (pooled !== null && pooled < 1) {
        throw invalid(`The input of ${this.name}`, 'an image as large as the pool', inputShape);
      }
      return pooled;
    };
    return [batch!, this.timeSteps ?? time!, side(height!), side(width!), filters!];
  }
}

/**
 * A {@link CMLDownsample} (arXiv 2305.05954): `[batch, time, height, width, channels]` -> spikes `[batch, time,
 * height / 2, width / 2, filters]`.
 *
 * @throws if an option is unknown or invalid
 */
export const cmlDownsample = (config: CMLDownsampleConfig) => new CMLDownsample(config);

register(CMLDownsample);
