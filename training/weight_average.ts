/** An exponential moving average of weights and running statistics (timm's ModelEmaV2). */
import * as tf from '@tensorflow/tfjs';
import { runBlend } from '../lib/kernels';
import { invalid } from '../lib/validate';
import { inGroups } from './_groups';

/**
 * After every step: average = decay average + (1 - decay) weight, for everything that the model saves: weights, and the
 * means and variances of batch norms.
 *
 * ```ts
 * const average = new WeightAverage(model, 0.9998);
 * // after each optimizer step
 * average.update();
 * const accuracy = await average.lend(() => evaluate(model));
 * ```
 */
export class WeightAverage {
  private readonly weights: tf.LayerVariable[];
  private averages: tf.Variable[];

  /** @param decay the share of the average to keep at each step, from 0 to below 1 */
  constructor(
    model: tf.LayersModel,
    readonly decay: number,
  ) {
    if (!(decay >= 0 && decay < 1)) throw invalid('decay', 'a number from 0 to below 1', decay);
    this.weights = model.weights;
    this.averages = this.weights.map((weight) => tf.tidy(() => tf.variable(weight.read(), false)));
  }

  /** Takes the current weights into the averages. Call it after each step of the optimizer. */
  update(): void {
    const attrs = { kept: this.decay, taken: 1 - this.decay };
    const updates = this.averages.map((variable, i) => ({ variable, weight: this.weights[i]! }));
    for (const group of inGroups(updates)) {
      tf.tidy(() => {
        const averages = group.map(({ variable }) => variable);
        const weights = group.map(({ weight }) => weight.read());
        const blended = runBlend(averages, weights, attrs);
        for (const [i, average] of averages.entries()) average.assign(blended[i]!);
      });
    }
  }

  /** Runs `run` while the model holds the average, then restores the model's weights. */
  async lend<T>(run: () => T | Promise<T>): Promise<T> {
    this.swap();
    try {
      return await run();
    } finally {
      this.swap();
    }
  }

  /** Swaps the values of model and average. */
  swap(): void {
    this.weights.forEach((weight, i) => {
      const average = this.averages[i]!;
      tf.tidy(() => {
        const held = weight.read().clone();
        weight.write(average.clone());
        average.assign(held);
      });
    });
  }

  /** The averages by the names under which the model saves its weights; this object keeps ownership. */
  get state(): Map<string, tf.Tensor> {
    return new Map(this.weights.map((weight, i) => [weight.originalName, this.averages[i]!]));
  }

  /**
   * Restores what `state` returned.
   *
   * @throws if a weight is missing
   */
  load(state: ReadonlyMap<string, tf.Tensor>): void {
    const values = this.weights.map(({ originalName }) => {
      const value = state.get(originalName);
      if (!value) throw invalid('state', `complete: ${originalName}`, [...state.keys()]);
      return value;
    });
    values.forEach((value, i) => {
      this.averages[i]!.assign(value);
    });
  }

  /** Frees the averages. */
  dispose(): void {
    tf.dispose(this.averages);
    this.averages = [];
  }
}
