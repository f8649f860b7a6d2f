/** Observes the spikes of every neuron layer: firing rates, rasters and energy figures build on it. */
import * as tf from '@tensorflow/tfjs';
import { withListener } from '../layers/spikes';
import { keepingStatistics } from './statistics';
import { walkLayers } from './walk';

/** Options of `observe`. */
export interface ObserveOptions {
  /** Whether to run as in training, with the batch's statistics. Running statistics stay unchanged. Default false. */
  training?: boolean;
}

/**
 * Runs the model on x and returns each neuron layer's spikes `[batch, time, ...]` by the layer's path, such as
 * 'block1/attn/q_lif', in the order in which the layers fired. If a layer is called more than once, later calls are at
 * path#2, path#3, ... The caller disposes of the tensors.
 *
 * ```ts
 * const spikes = spiking.observe(model, x);
 * for (const [path, s] of spikes) console.log(path, s.mean().dataSync()[0]);
 * tf.dispose([...spikes.values()]);
 * ```
 */
export function observe(
  model: tf.LayersModel,
  x: tf.Tensor | tf.Tensor[],
  { training = false }: ObserveOptions = {},
): Map<string, tf.Tensor> {
  const paths = new Map<tf.layers.Layer, string>();
  walkLayers(model, (layer, path) => paths.set(layer, path));
  const seen = new Map<string, tf.Tensor>();
  const onSpikes = (layer: tf.layers.Layer, spikes: tf.Tensor) => {
    const path = paths.get(layer) ?? layer.name;
    let name = path;
    for (let call = 2; seen.has(name); call++) name = `${path}#${call}`;
    seen.set(name, tf.keep(spikes.clone()));
  };
  const run = () => {
    tf.tidy(() => {
      withListener({ spikes: onSpikes }, () => model.apply(x, { training }));
    });
  };
  try {
    if (training) keepingStatistics(model, run);
    else run();
  } catch (error) {
    tf.dispose([...seen.values()]);
    throw error;
  }
  return seen;
}

/** The share of neurons and steps that fired, from 0 to 1, by layer path. */
export function firingRates(
  model: tf.LayersModel,
  x: tf.Tensor | tf.Tensor[],
  options?: ObserveOptions,
): Map<string, number> {
  const spikes = observe(model, x, options);
  const rates = new Map<string, number>();
  for (const [path, s] of spikes) {
    rates.set(
      path,
      tf.tidy(() => s.mean().dataSync()[0]!),
    );
    s.dispose();
  }
  return rates;
}
