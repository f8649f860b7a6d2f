/** A linear map of the channels and batch normalization: the 1x1 ConvBN of attention and MLP. */
import * as tf from '@tensorflow/tfjs';
import { spikeLinear } from '../lib/spike_conv';
import { checkBoolean, checkPositiveInteger, invalid } from '../lib/validate';
import { CompositeLayer } from './_composite';
import { torchBias, torchKernel } from './_initializers';
import { type CallArgs, checkLayerKeys, type LayerArgs, oneShape, register } from './_layer';
import { BatchNormOverTime } from './batch_norm_over_time';

export interface LinearBNConfig extends LayerArgs {
  /** Output channels. */
  units: number;
  /** Default false. */
  useBias?: boolean;
}

/** `[batch, time, ..., channels]` -> `[batch, time, ..., units]`. */
export class LinearBN extends CompositeLayer {
  static className = 'LinearBN';
  private readonly units: number;
  private readonly useBias: boolean;
  private readonly bn: BatchNormOverTime;
  private kernel!: tf.LayerVariable;
  private bias?: tf.LayerVariable;

  constructor(config: LinearBNConfig) {
    checkLayerKeys('LinearBN', config, ['units', 'useBias']);
    super(config);
    const { units, useBias = false } = config;
    checkPositiveInteger('units', units);
    checkBoolean('useBias', useBias);
    this.units = units;
    this.useBias = useBias;
    this.bn = this.own(new BatchNormOverTime({ name: 'bn' }));
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
    this.kernel = this.addWeight('kernel', [channels, this.units], 'float32', torchKernel());
    if (this.useBias) {
      this.bias = this.addWeight('bias', [this.units], 'float32', torchBias(channels));
    }
    this.buildSublayer(this.bn, this.computeOutputShape(inputShape));
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const kernel = this.kernel.read() as tf.Tensor2D;
    const bias = this.bias?.read();
    const affine = this.bn.asAffine(kwargs, bias);
    if (affine) return spikeLinear(x, kernel, affine);
    const y = tf.matMul(x.reshape([-1, kernel.shape[0]]), kernel);
    const normalized = this.bn.normalize(y, kwargs, { bias });
    return normalized.reshape([...x.shape.slice(0, -1), this.units]);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...oneShape(inputShape).slice(0, -1), this.units];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), units: this.units, useBias: this.useBias };
  }
}

export const linearBN = (config: LinearBNConfig) => new LinearBN(config);

register(LinearBN);
