/** All that happened in a network while it looked at one image, or read one sentence. */
import * as tf from '@tensorflow/tfjs';
import { observe } from 'tfjs-spikingformer';
import {
  countOperations,
  type EnergyReport,
  energyOf,
  measureActivityAsync,
} from 'tfjs-spikingformer/analysis';
import { type AttentionMap, attentionMaps } from './attention';

export interface LayerSpikes {
  path: string;
  timeSteps: number;
  /** Neurons in the layer. */
  neurons: number;
  /** `[time, neurons]`, 0 or 1. */
  spikes: Uint8Array;
  /** Share of neurons and steps that fired, as `spikingformer energy` prints it. */
  rate: number;
  /** The same at each time step. */
  perStep: number[];
}

export interface Inside {
  layers: LayerSpikes[];
  attention: AttentionMap[];
  energy: EnergyReport;
}

/** @param x one sample; the caller disposes of it */
export async function lookInside(model: tf.LayersModel, x: tf.Tensor): Promise<Inside> {
  const spikes = observe(model, x);
  const activity = await measureActivityAsync(model, x);
  const layers: LayerSpikes[] = [];
  for (const [path, tensor] of spikes) {
    const timeSteps = tensor.shape[1]!;
    const values = Uint8Array.from(await tensor.data());
    const neurons = values.length / timeSteps;
    const { mean, perStep } = activity.neurons.get(path.replace(/#\d+$/, ''))!;
    layers.push({ path, timeSteps, neurons, spikes: values, rate: mean, perStep });
  }
  const attention = await attentionMaps(model, spikes);
  tf.dispose([...spikes.values()]);
  return { layers, attention, energy: energyOf(countOperations(model), activity) };
}
