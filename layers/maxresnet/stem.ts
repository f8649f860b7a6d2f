/** The first layer of a Max-ResNet: one convolution of the image, presented at every time step (arXiv 2505.18608). */
import type * as tf from '@tensorflow/tfjs';
import { repeatOverTime } from '../../lib/fold_time';
import { checkPositiveInteger, invalid } from '../../lib/validate';
import { applyTo, CompositeLayer } from '../composite';
import { ConvBN } from '../conv_bn';
import { type CallArgs, type LayerArgs, oneShape, register } from '../layer';

/** Options of {@link MaxResNetStem}. */
export interface MaxResNetStemConfig extends LayerArgs {
  /** Output channels. */
  filters: number;
  /** If given, the input is one image, presented at that many time steps. Default null: the input has a time axis. */
  timeSteps?: number | null;
}

/**
 * `[batch, time, height, width, channels]`, or an image `[batch, height, width, channels]` if timeSteps is given ->
 * real numbers `[batch, time, height, width, filters]`: 3x3 convolution, BN. An image is convolved once.
 */
export class MaxResNetStem extends CompositeLayer {
  static className = 'MaxResNetStem';
  private readonly timeSteps: number | null;
  private readonly convBN: ConvBN;

  constructor(config: MaxResNetStemConfig) {
    super(config, ['filters', 'timeSteps']);
    const { filters, timeSteps = null } = config;
    if (timeSteps !== null) checkPositiveInteger('timeSteps', timeSteps);
    this.timeSteps = timeSteps;
    this.convBN = this.own(new ConvBN({ name: 'conv_bn', filters }));
    this.convBN.repeats = timeSteps ?? 1;
    this.config = { filters, timeSteps };
  }

  /** The input's shape with a time axis; an image has one time step. */
  private withTime(shape: tf.Shape): tf.Shape {
    if (!this.timeSteps) return shape;
    if (shape.length !== 4) {
      const expected =
        'of shape [batch, height, width, channels], an image, since timeSteps is set';
      throw invalid(`The input of ${this.name}`, expected, shape);
    }
    return [shape[0]!, 1, ...shape.slice(1)];
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    this.buildSublayer(this.convBN, this.withTime(inputShape));
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    if (!this.timeSteps) return applyTo(this.convBN, x, kwargs);
    const once = applyTo(this.convBN, x.expandDims(1), kwargs);
    return repeatOverTime(once.squeeze([1]), this.timeSteps);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = this.convBN.computeOutputShape(this.withTime(oneShape(inputShape)));
    return [shape[0]!, this.timeSteps ?? shape[1]!, ...shape.slice(2)];
  }
}

/**
 * A {@link MaxResNetStem} (arXiv 2505.18608): `[batch, time, height, width, channels]` or an image -> real numbers
 * `[batch, time, height, width, filters]`.
 *
 * @throws if an option is unknown or invalid
 */
export const maxResNetStem = (config: MaxResNetStemConfig) => new MaxResNetStem(config);

register(MaxResNetStem);
