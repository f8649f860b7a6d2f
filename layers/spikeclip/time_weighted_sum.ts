/**
 * From SpikeCLIP's spikes to an embedding: a sum over time steps with learned weights (Lv et al., arXiv 2310.06488).
 */
import * as tf from '@tensorflow/tfjs';
import { invalid } from '../../lib/validate';
import { checkLayerKeys, type LayerArgs, oneShape, oneTensor, register } from '../layer';
import type { OperationList } from '../operations';

/**
 * ln(0.8) for the last step, and ln of half as much for each step before it: ln(0.1, 0.2, 0.4, 0.8) for 4 steps, as the
 * authors initialize.
 */
function initialWeights(timeSteps: number): tf.Tensor1D {
  const weights = Array.from({ length: timeSteps }, (_, t) =>
    Math.log(0.8 / 2 ** (timeSteps - 1 - t)),
  );
  return tf.tensor1d(weights);
}

/**
 * `[batch, time, channels]` -> `[batch, channels]`: sum over t of w_t x_t. As in the authors' code, the weights are
 * used without exponential or softmax: all start negative. There is one per time step, which fixes a model's number of
 * time steps.
 */
export class TimeWeightedSum extends tf.layers.Layer {
  static className = 'TimeWeightedSum';
  private timeWeights!: tf.LayerVariable;

  constructor(config: LayerArgs = {}) {
    checkLayerKeys('TimeWeightedSum', config, []);
    super(config);
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = oneShape(inputShape);
    const time = shape[1];
    if (shape.length !== 3 || time == null) {
      const expected = 'of shape [batch, time, channels], with time known';
      throw invalid(`The input of ${this.name}`, expected, shape);
    }
    this.timeWeights = this.addWeight('time_weights', [time], 'float32', tf.initializers.zeros());
    tf.tidy(() => {
      this.timeWeights.write(initialWeights(time));
    });
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs);
      const [time] = this.timeWeights.shape as [number];
      if (x.rank !== 3 || x.shape[1] !== time) {
        throw invalid(`The input of ${this.name}`, `of shape [batch, ${time}, channels]`, x.shape);
      }
      return x.mul(this.timeWeights.read().reshape([1, time, 1])).sum(1);
    });
  }

  /** A few numbers per channel, which the papers do not count. */
  operations(): OperationList {
    return [];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape);
    return [shape[0]!, shape.at(-1)!];
  }
}

/**
 * A {@link TimeWeightedSum} (arXiv 2310.06488): `[batch, time, channels]` -> `[batch, channels]`.
 *
 * @throws if an option is unknown or invalid
 */
export const timeWeightedSum = (config?: LayerArgs) => new TimeWeightedSum(config);

register(TimeWeightedSum);
