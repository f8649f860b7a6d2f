/** A linear map over channels and layer normalization: takes the place of LinearBN in text networks. */
import * as tf from '@tensorflow/tfjs';
import { linear, spikeLinear } from '../lib/spike_conv';
import { isRecordingGradients } from '../lib/tfjs_internals';
import { checkPositiveInteger, invalid } from '../lib/validate';
import { applyTo, CompositeLayer } from './composite';
import { torchBias, torchKernel } from './initializers';
import { type CallArgs, type LayerArgs, oneShape, register } from './layer';
import { LayerNorm } from './layer_norm';
import { mapOperations, type OperationList, outputSizes, product } from './operations';
import { emitInput } from './spikes';

/** Options of {@link LinearLN}. */
export interface LinearLNConfig extends LayerArgs {
  /** Output channels. */
  units: number;
}

/**
 * `[batch, time, ..., channels]` -> `[batch, time, ..., units]`: LN(x kernel + bias). Kernel and bias start as
 * PyTorch's do. At inference, zeros in the input cost nothing if the backend has a kernel for that.
 */
export class LinearLN extends CompositeLayer {
  static className = 'LinearLN';
  private readonly units: number;
  private readonly ln: LayerNorm;
  /** @internal See MapLayer. */
  kernel!: tf.LayerVariable;
  private bias!: tf.LayerVariable;

  constructor(config: LinearLNConfig) {
    super(config, ['units']);
    const { units } = config;
    checkPositiveInteger('units', units);
    this.units = units;
    this.ln = this.own(new LayerNorm({ name: 'ln' }));
    this.config = { units };
    this.supportsMasking = true;
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
    const { units } = this;
    this.kernel = this.addWeight('kernel', [channels, units], 'float32', torchKernel());
    this.bias = this.addWeight('bias', [units], 'float32', torchBias(channels));
    this.buildSublayer(this.ln, this.computeOutputShape(inputShape));
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    emitInput(this, x);
    const [kernel, bias] = [this.kernel.read() as tf.Tensor2D, this.bias.read()];
    if (!isRecordingGradients()) {
      const y = spikeLinear(x, kernel, { scale: tf.onesLike(bias), shift: bias });
      return applyTo(this.ln, y, kwargs);
    }
    const y = this.product(x, kernel);
    return this.ln.withBias(y, bias) ?? applyTo(this.ln, y.add(bias), kwargs);
  }

  /** @internal See MapLayer. */
  product(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
    return linear(x, kernel);
  }

  override operations(): OperationList {
    const [time, ...sizes] = outputSizes(this);
    return [mapOperations(this, 'linear', time!, time! * product(sizes))];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return [...oneShape(inputShape).slice(0, -1), this.units];
  }
}

/**
 * A {@link LinearLN}: `[batch, time, ..., channels]` -> real numbers `[batch, time, ..., units]`.
 *
 * @throws if an option is unknown or invalid
 */
export const linearLN = (config: LinearLNConfig) => new LinearLN(config);

register(LinearLN);
