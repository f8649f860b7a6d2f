/** The same network with the same weights, for other time steps or another resolution. */
import type * as tf from '@tensorflow/tfjs';
import { checkPositiveInteger, invalid } from '../lib/validate';

type Config = Record<string, unknown>;
type Change = (key: string, value: unknown) => unknown;

/** A config with `change` applied to every entry, at any depth. */
function changed(value: unknown, change: Change): unknown {
  if (Array.isArray(value)) return value.map((item) => changed(item, change));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, changed(change(key, entry), change)]),
  );
}

function contains(value: unknown, test: (key: string, value: unknown) => boolean): boolean {
  let found = false;
  changed(value, (key, entry) => {
    found ||= test(key, entry);
    return entry;
  });
  return found;
}

/** A model with that config and copies of the other's weights. */
function rebuilt(model: tf.LayersModel, config: Config): tf.LayersModel {
  const cls = model.constructor as tf.serialization.SerializableConstructor<tf.LayersModel> & {
    fromConfig(cls: unknown, config: Config): tf.LayersModel;
  };
  const other = cls.fromConfig(cls, config);
  const shapes = other.weights.map(({ shape }) => shape);
  const misfit = model.weights.find(({ shape }, i) => shape.join() !== shapes[i]?.join());
  if (misfit) {
    const would = shapes[model.weights.indexOf(misfit)] ?? 'missing';
    other.dispose();
    throw new Error(
      `The weights of ${model.name} depend on its input shape, including time steps: ` +
        `${misfit.originalName} has shape [${misfit.shape}] but would need [${would}]`,
    );
  }
  other.setWeights(model.getWeights());
  return other;
}

/**
 * The model with another number of time steps and copies of its weights: an image is presented that often, and events
 * must come in that many frames. Compile it again to train it.
 *
 * ```ts
 * const quick = spiking.models.withTimeSteps(model, 1);
 * ```
 *
 * @throws if the model has no time axis, or if a weight depends on the number of time steps
 */
export function withTimeSteps(model: tf.LayersModel, timeSteps: number): tf.LayersModel {
  checkPositiveInteger('timeSteps', timeSteps);
  const config = model.getConfig() as unknown as Config;
  const encodes = contains(config, (key, value) => key === 'timeSteps' && value !== null);
  if (encodes) {
    const change: Change = (key, value) =>
      key === 'timeSteps' && value !== null ? timeSteps : value;
    return rebuilt(model, changed(config, change) as Config);
  }
  const shape = model.inputs[0]!.shape.slice(1);
  if (shape.length < 2) {
    throw invalid('model', 'one with a time axis, or with a layer that has timeSteps', model.name);
  }
  return withInputShape(model, [timeSteps, ...shape.slice(1)]);
}

/**
 * The model for an input of another shape, such as larger images, with copies of its weights.
 * @param inputShape Without the batch axis; null for a size that stays open.
 *
 * ```ts
 * const large = spiking.models.withInputShape(model, [288, 288, 3]); // trained at 224
 * ```
 *
 * @throws if a weight depends on the input's shape
 */
export function withInputShape(
  model: tf.LayersModel,
  inputShape: readonly (number | null)[],
): tf.LayersModel {
  if (model.inputs.length !== 1)
    throw invalid('model', 'a model with one input', model.inputs.length);
  const before = model.inputs[0]!.shape;
  if (!Array.isArray(inputShape) || inputShape.length !== before.length - 1) {
    throw invalid(
      'inputShape',
      `a list of ${before.length - 1} sizes, as [${before.slice(1)}]`,
      inputShape,
    );
  }
  for (const [i, n] of inputShape.entries()) {
    if (n !== null) checkPositiveInteger(`inputShape[${i}]`, n);
  }
  const old = JSON.stringify(before);
  const change: Change = (key, value) =>
    key === 'batchInputShape' && JSON.stringify(value) === old ? [before[0], ...inputShape] : value;
  return rebuilt(model, changed(model.getConfig(), change) as Config);
}

/**
 * The model for one time step per call, with copies of its weights and membranes that stay between calls until
 * `resetStates()`: what it answers to step after step are the parts of the answer to all steps.
 *
 * ```ts
 * const live = spiking.models.stepByStep(model); // frames [1, 1, height, width, channels], as they arrive
 * ```
 *
 * @throws if its layers have no state between calls
 */
export function stepByStep(model: tf.LayersModel): tf.LayersModel {
  const before = model.getConfig() as unknown as Config;
  const change: Change = (key, value) => {
    if (key === 'stateful') return true;
    return key === 'timeSteps' && value !== null ? 1 : value;
  };
  const encodes = contains(before, (key, value) => key === 'timeSteps' && value !== null);
  const stateful = rebuilt(model, changed(before, change) as Config);
  const [, , ...sample] = model.inputs[0]!.shape;
  if (encodes) return stateful;
  try {
    return withInputShape(stateful, [1, ...sample]);
  } finally {
    stateful.dispose();
  }
}
