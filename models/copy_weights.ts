/** Copies weights into a model that shares its body with another, to begin fine-tuning. */
import type * as tf from '@tensorflow/tfjs';

/** Which weights `copyWeights` copied, and which the target kept as they were. */
export interface CopyReport {
  /** Names of the weights that were copied. */
  copied: string[];
  /** Names in `to` that kept their values: `from` has no weight of that name, or one with another shape. */
  kept: string[];
}

/**
 * Copies every weight, including running statistics, that both models have with the same name and shape.
 *
 * ```ts
 * const model = spiking.models.create('spikingformer-4-256-cifar10', { numClasses: 5 });
 * const { kept } = spiking.models.copyWeights(trained, model); // ['head/kernel', 'head/bias']
 * ```
 *
 * @throws if the models share no weight
 */
export function copyWeights(from: tf.LayersModel, to: tf.LayersModel): CopyReport {
  const sources = new Map(from.weights.map((weight) => [weight.originalName, weight]));
  const report: CopyReport = { copied: [], kept: [] };
  for (const target of to.weights) {
    const { originalName: name, shape } = target;
    const source = sources.get(name);
    if (source?.shape.join() === shape.join()) {
      target.write(source!.read());
      report.copied.push(name);
    } else {
      report.kept.push(name);
    }
  }
  if (report.copied.length === 0) {
    throw new Error(
      `Nothing was copied: ${from.name} and ${to.name} have no weight with the same name and shape`,
    );
  }
  return report;
}
