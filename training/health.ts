/** The health of a network: dead and saturated layers, one answer for every sample, and NaN. */
import * as tf from '@tensorflow/tfjs';
import { observe } from '../analysis/observe';
import { keepingStatistics } from '../analysis/statistics';
import { walkLayers } from '../analysis/walk';
import { type EvaluationData, logitsOf } from './training_data';

/** Firing rates below DEAD count as dead, those above SATURATED as saturated: hardly any information passes. */
const DEAD = 0.001;
const SATURATED = 0.95;

/** Number of samples for a run's health check. */
const HEALTH_SAMPLES = 16;

/** Whether the neurons of a network still work, by `examineHealth`. */
export interface Health {
  /** Share of neurons and steps that fired, by layer path, in the order of firing. */
  rates: Map<string, number>;
  dead: string[];
  saturated: string[];
  /** The layer that causes it, if the network gives every sample the same answer. */
  collapsedAt?: string;
}

/** The run cannot continue: the message tells what happened and in which layer. */
export class DivergedError extends Error {
  override name = 'DivergedError';
}

/** Firing rates of inference by layer path, and how far apart the logits of the samples lie; still on the backend. */
function measure(model: tf.LayersModel, x: tf.Tensor): { paths: string[]; numbers: tf.Tensor1D } {
  const spikes = observe(model, x);
  try {
    // With the batch's own statistics: the running ones are far off in the first epochs.
    const spread = keepingStatistics(model, () =>
      tf.tidy(() => {
        const logits = logitsOf(model, x, true);
        return logits.max(0).sub(logits.min(0)).max();
      }),
    );
    const numbers = tf.tidy(() => {
      const rates = [...spikes.values()].map((s) => s.mean());
      return tf.stack([...rates, spread]) as tf.Tensor1D;
    });
    spread.dispose();
    return { paths: [...spikes.keys()], numbers };
  } finally {
    tf.dispose([...spikes.values()]);
  }
}

/** @param numbers a rate per path, then the spread of the logits */
function judge(paths: readonly string[], numbers: Float32Array, samples: number): Health {
  const rates = new Map(paths.map((path, i) => [path, numbers[i]!]));
  const those = (is: (rate: number) => boolean) => paths.filter((path) => is(rates.get(path)!));
  const dead = those((rate) => rate < DEAD);
  const saturated = those((rate) => rate > SATURATED);
  const suspects = those((rate) => rate < DEAD || rate > SATURATED);
  const collapsed = samples > 1 && numbers[paths.length] === 0;
  return { rates, dead, saturated, ...(collapsed && { collapsedAt: suspects[0] ?? 'the head' }) };
}

/** Looks at a batch of at least two different samples: rates are those of inference. The model stays as it is. */
export function examineHealth(model: tf.LayersModel, x: tf.Tensor): Health {
  const { paths, numbers } = measure(model, x);
  const values = numbers.dataSync<'float32'>();
  numbers.dispose();
  return judge(paths, values, x.shape[0]!);
}

/** For the first samples of held-out data; undefined if there are none. */
export async function healthOn(
  model: tf.LayersModel,
  held: EvaluationData,
): Promise<Health | undefined> {
  for await (const { data, shape } of held.batches()) {
    const count = Math.min(shape[0]!, HEALTH_SAMPLES);
    const some = data.subarray(0, (data.length / shape[0]!) * count);
    const x = tf.tensor(some, [count, ...shape.slice(1)]);
    try {
      const { paths, numbers } = measure(model, x);
      const values = await numbers.data<'float32'>(); // webgpu does not like to be read in between
      numbers.dispose();
      return judge(paths, values, count);
    } finally {
      x.dispose();
    }
  }
  return undefined;
}

/**
 * Where the first NaN or Infinity arose: in the input, a weight, the first layer whose output has one, or the gradient
 * nearest to the loss. Undefined if everything is finite. The loss alone does not show it: a membrane that is NaN does
 * not fire, and its neuron's spikes are finite.
 */
export function firstNonFinite(
  model: tf.LayersModel,
  x: tf.Tensor,
  gradients: tf.NamedTensorMap = {},
): string | undefined {
  if (!allFinite(x)) return 'the input';
  const weight = model.weights.find((w) => !allFinite(w.read()));
  if (weight) return `weight ${weight.originalName}`;
  const output = firstNonFiniteOutput(model, x);
  if (output) return output;
  const last = [...model.weights]
    .reverse()
    .find(({ name }) => gradients[name] && !allFinite(gradients[name]));
  return last && `the gradient of ${last.originalName}`;
}

/** Watches every layer's calls; the innermost returns first. */
function firstNonFiniteOutput(model: tf.LayersModel, x: tf.Tensor): string | undefined {
  let found: string | undefined;
  const heard: tf.layers.Layer[] = [];
  walkLayers(model, (layer, path) => {
    const call = layer.call;
    heard.push(layer);
    layer.call = function listened(inputs, kwargs) {
      const outputs = call.call(layer, inputs, kwargs);
      if (found === undefined && ![outputs].flat().every(allFinite)) found = `layer ${path}`;
      return outputs;
    };
  });
  try {
    tf.tidy(() => logitsOf(model, x, false));
  } finally {
    for (const layer of heard) delete (layer as Partial<tf.layers.Layer>).call; // Restores the method of the class.
  }
  return found;
}

/** Whether no number of a tensor is NaN or infinite. */
export function allFinite(x: tf.Tensor): boolean {
  // A maximum may ignore NaN on some backends; 0 times it, or times infinity, is NaN everywhere.
  return tf.tidy(() => x.mul(0).sum().dataSync()[0] === 0);
}
