/**
 * The map through which distillation compares SpikeBERT with its teacher: from a block's spikes to the teacher's hidden
 * states (arXiv 2308.15122).
 */
import * as tf from '@tensorflow/tfjs';
import { applyTo, CompositeLayer } from '../composite';
import { type LayerArgs, oneShape, register } from '../layer';
import { LinearLN } from '../linear_ln';
import type { OperationList } from '../operations';

/**
 * `[batch, time, tokens, channels]` -> the same, unchanged and at no cost. Only `represent`, which distillation calls,
 * gives its weights a gradient. They stay in the model, as in the authors' checkpoints.
 */
export class SpikeBertTransform extends CompositeLayer {
  static className = 'SpikeBertTransform';
  private map!: LinearLN;

  constructor(config: LayerArgs = {}) {
    super(config, []);
    this.supportsMasking = true;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    this.map = this.own(new LinearLN({ name: 'map', units: inputShape.at(-1)! }));
    this.buildSublayer(this.map, inputShape);
  }

  protected override forward(x: tf.Tensor): tf.Tensor {
    return x.clone();
  }

  /** LN(linear(mean over time)): `[batch, time, tokens, channels]` -> `[batch, tokens, channels]`. */
  represent(x: tf.Tensor): tf.Tensor3D {
    return tf.tidy(() => applyTo(this.map, x.mean(1, true), {}).squeeze<tf.Tensor3D>([1]));
  }

  /** Inference does not compute it. */
  override operations(): OperationList {
    return [];
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

/**
 * A {@link SpikeBertTransform} (arXiv 2308.15122): `[batch, time, tokens, channels]` -> the same, unchanged.
 *
 * @throws if an option is unknown or invalid
 */
export const spikeBertTransform = (config?: LayerArgs) => new SpikeBertTransform(config);

register(SpikeBertTransform);
