/** A linear map over channels and batch normalization: the 1x1 ConvBN of attention and MLP. */
import type * as tf from '@tensorflow/tfjs';
import { type ChannelAffine, linear, spikeLinear } from '../lib/spike_conv';
import { checkBoolean, checkPositive, checkPositiveInteger, invalid } from '../lib/validate';
import { mapInitializers } from './initializers';
import { KernelBN } from './kernel_bn';
import { type LayerArgs, oneShape, register } from './layer';

/** Options of {@link LinearBN}. */
export interface LinearBNConfig extends LayerArgs {
  /** Output channels. */
  units: number;
  /** Whether the map has a bias. Default false. */
  useBias?: boolean;
  /**
   * If given, the kernel starts normal with this standard deviation and the bias at 0, as timm initializes linear
   * layers. Default null: both start as PyTorch's do.
   */
  initStd?: number | null;
}

/** `[batch, time, ..., channels]` -> `[batch, time, ..., units]`. */
export class LinearBN extends KernelBN {
  static className = 'LinearBN';
  protected override readonly kind = 'linear';
  private readonly units: number;
  private readonly useBias: boolean;
  private readonly initStd: number | null;

  constructor(config: LinearBNConfig) {
    super(config, ['units', 'useBias', 'initStd']);
    const { units, useBias = false, initStd = null } = config;
    checkPositiveInteger('units', units);
    checkBoolean('useBias', useBias);
    if (initStd !== null) checkPositive('initStd', initStd);
    this.units = units;
    this.useBias = useBias;
    this.initStd = initStd;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = inputShape.at(-1);
    if (inputShape.length < 3 || channels == null) {
      throw invalid(
        `The input of ${this.name}`,
        'of shape [batch, time, ..., channels]',
        inputShape,
      );
    }
    const { units, useBias, initStd } = this;
    const { kernel, bias } = mapInitializers(initStd, channels);
    const used = { kernel, bias: useBias ? bias : null };
    this.addWeights([channels, units], used, this.computeOutputShape(inputShape));
  }

  protected override affineProduct(
    x: tf.Tensor,
    affine: ChannelAffine,
    addend?: tf.Tensor,
  ): tf.Tensor {
    return spikeLinear(x, this.kernel.read() as tf.Tensor2D, affine, addend);
  }

  protected override isSpikeProduct(): boolean {
    return true;
  }

  override product(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
    return linear(x, kernel);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...oneShape(inputShape).slice(0, -1), this.units];
  }

  /** The options, for saving. */
  override getConfig(): tf.serialization.ConfigDict {
    const { units, useBias, initStd } = this;
    return { ...super.getConfig(), units, useBias, initStd };
  }
}

/**
 * A {@link LinearBN}: `[batch, time, ..., channels]` -> real numbers `[batch, time, ..., units]`.
 *
 * @throws if an option is unknown or invalid
 */
export const linearBN = (config: LinearBNConfig) => new LinearBN(config);

register(LinearBN);
