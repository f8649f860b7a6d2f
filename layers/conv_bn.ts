/** Convolution and batch normalization of all time steps at once (ConvBN of arXiv 2304.11954). */
import type * as tf from '@tensorflow/tfjs';
import { type ChannelAffine, conv2d, spikeConv2d } from '../lib/spike_conv';
import { checkBoolean, checkPositive, checkPositiveInteger, invalid } from '../lib/validate';
import { mapInitializers } from './initializers';
import { KernelBN } from './kernel_bn';
import { checkImages, type LayerArgs, oneShape, register } from './layer';

/** Options of {@link ConvBN}. */
export interface ConvBNConfig extends LayerArgs {
  /** Output channels. */
  filters: number;
  /** Side of the kernel, odd. Default 3. The padding is floor(kernelSize / 2) on every side, as in PyTorch. */
  kernelSize?: number;
  /** Stride of the convolution. Default 1. */
  strides?: number;
  /** Whether the convolution has a bias. Default false. */
  useBias?: boolean;
  /** As in LinearBN. */
  initStd?: number | null;
}

/**
 * `[batch, time, height, width, channels]` -> `[batch, time, height / strides, width / strides, filters]`, sides
 * rounded up.
 */
export class ConvBN extends KernelBN {
  static className = 'ConvBN';
  protected override readonly kind = 'convolution';
  private readonly filters: number;
  private readonly kernelSize: number;
  private readonly strides: number;
  private readonly useBias: boolean;
  private readonly initStd: number | null;

  constructor(config: ConvBNConfig) {
    super(config, ['filters', 'kernelSize', 'strides', 'useBias', 'initStd']);
    const { filters, kernelSize = 3, strides = 1, useBias = false, initStd = null } = config;
    checkPositiveInteger('filters', filters);
    checkPositiveInteger('kernelSize', kernelSize);
    if (kernelSize % 2 === 0) throw invalid('kernelSize', 'odd', kernelSize);
    checkPositiveInteger('strides', strides);
    checkBoolean('useBias', useBias);
    if (initStd !== null) checkPositive('initStd', initStd);
    this.filters = filters;
    this.kernelSize = kernelSize;
    this.strides = strides;
    this.useBias = useBias;
    this.initStd = initStd;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkImages(this.name, inputShape);
    const { kernelSize, filters, initStd } = this;
    const shape = [kernelSize, kernelSize, channels, filters];
    const { kernel, bias } = mapInitializers(initStd, kernelSize * kernelSize * channels);
    const initializers = { kernel, bias: this.useBias ? bias : null };
    this.addWeights(shape, initializers, this.computeOutputShape(inputShape));
  }

  protected override affineProduct(
    x: tf.Tensor,
    affine: ChannelAffine,
    addend?: tf.Tensor,
  ): tf.Tensor | null {
    if (this.strides !== 1) return null;
    return spikeConv2d(x, this.kernel.read() as tf.Tensor4D, affine, addend);
  }

  protected override isSpikeProduct(): boolean {
    return this.strides === 1;
  }

  override product(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
    // For odd kernels at stride 1 this padding is 'same', which every backend computes fastest.
    const padding = this.strides === 1 ? 'same' : (this.kernelSize - 1) / 2;
    return conv2d(x, kernel as tf.Tensor4D, this.strides, padding);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape);
    checkImages(this.name, shape);
    const [batch, time, height, width] = shape;
    const side = (n: number | null) => n && Math.floor((n - 1) / this.strides) + 1;
    return [batch!, time!, side(height!), side(width!), this.filters];
  }

  /** The options, for saving. */
  override getConfig(): tf.serialization.ConfigDict {
    const { filters, kernelSize, strides, useBias, initStd } = this;
    const own = { filters, kernelSize, strides, useBias, ...(initStd !== null && { initStd }) };
    return { ...super.getConfig(), ...own };
  }
}

/**
 * A {@link ConvBN}: `[batch, time, height, width, channels]` -> real numbers `[batch, time, height / strides, width /
 * strides, filters]`.
 *
 * @throws if an option is unknown or invalid
 */
export const convBN = (config: ConvBNConfig) => new ConvBN(config);

register(ConvBN);
