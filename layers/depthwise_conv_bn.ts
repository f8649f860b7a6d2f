/** Depthwise convolution (one filter per channel) and batch normalization of all time steps at once. */
import type * as tf from '@tensorflow/tfjs';
import { foldTime } from '../lib/fold_time';
import { type ChannelAffine, depthwiseConv2d, scaleAndShift } from '../lib/spike_conv';
import { checkBoolean, checkPositiveInteger, invalid } from '../lib/validate';
import { torchBias, torchKernel } from './initializers';
import { KernelBN } from './kernel_bn';
import { checkImages, type LayerArgs, oneShape, register } from './layer';

/** Options of {@link DepthwiseConvBN}. */
export interface DepthwiseConvBNConfig extends LayerArgs {
  /** Side of the kernels, odd. Default 3. The padding is floor(kernelSize / 2) on every side, as in PyTorch. */
  kernelSize?: number;
  /** Whether the convolution has a bias. Default false. */
  useBias?: boolean;
}

/**
 * `[batch, time, height, width, channels]` -> the same shape. As PyTorch's Conv2d with `groups` equal to the channels,
 * and a batch norm.
 */
export class DepthwiseConvBN extends KernelBN {
  static className = 'DepthwiseConvBN';
  protected override readonly kind = 'convolution';
  private readonly kernelSize: number;
  private readonly useBias: boolean;

  constructor(config: DepthwiseConvBNConfig = {}) {
    super(config, ['kernelSize', 'useBias']);
    const { kernelSize = 3, useBias = false } = config;
    checkPositiveInteger('kernelSize', kernelSize);
    if (kernelSize % 2 === 0) throw invalid('kernelSize', 'odd', kernelSize);
    checkBoolean('useBias', useBias);
    this.kernelSize = kernelSize;
    this.useBias = useBias;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkImages(this.name, inputShape);
    const { kernelSize: side } = this;
    const initializers = {
      kernel: torchKernel(),
      bias: this.useBias ? torchBias(side * side) : null,
    };
    this.addWeights([side, side, 1, channels], initializers, inputShape);
  }

  /** The kernel takes the scale: it is much smaller than the images. */
  protected override affineProduct(x: tf.Tensor, affine: ChannelAffine): tf.Tensor {
    const { scale, shift } = scaleAndShift(affine);
    return this.product(x, this.kernel.read().mul(scale)).add(shift);
  }

  override product(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
    return depthwiseConv2d(foldTime(x) as tf.Tensor4D, kernel as tf.Tensor4D);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape);
    checkImages(this.name, shape);
    return shape;
  }

  /** The options, for saving. */
  override getConfig(): tf.serialization.ConfigDict {
    const { kernelSize, useBias } = this;
    return { ...super.getConfig(), kernelSize, useBias };
  }
}

/**
 * A {@link DepthwiseConvBN}: `[batch, time, height, width, channels]` -> real numbers of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const depthwiseConvBN = (config?: DepthwiseConvBNConfig) => new DepthwiseConvBN(config);

register(DepthwiseConvBN);
