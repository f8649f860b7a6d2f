/** Weights from one model into another that shares its body: what fine-tuning begins with. */
import type * as tf from '@tensorflow/tfjs';

export interface CopyReport {
  /** Names of the weights that were copied. */
  copied: string[];
  /** Names in `to` that kept their values: `from` has none of that name, or one of another shape. */
  kept: string[];
}

/**
 * Copies every weight, running statistics too, that both models have by name and shape.
 *
 * ```ts
 * const model = spiking.models.create('spikingformer-4-256-cifar10', { numClasses: 5 });
 * const { kept } = spiking.models.copyWeights(trained, model); // ['head/kernel', 'head/bias']
 * ```
 *
 * @throws where there is no weight to copy
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
      `${from.name} and ${to.name} have no weight of one name and shape: nothing was copied`,
    );
  }
  return report;
}
