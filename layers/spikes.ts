/** How layers are seen from outside: one listener at a time, told of what neurons return and what linear maps take in. */
import type * as tf from '@tensorflow/tfjs';
import { shared } from '../lib/shared';
import { markSpikes } from './silent';

export interface Listener {
  /** A neuron layer is about to return these spikes. */
  spikes?(layer: tf.layers.Layer, spikes: tf.Tensor): void;
  /** A convolution or linear map computes this input; it stands for `repeats` equal time steps. */
  input?(layer: tf.layers.Layer, x: tf.Tensor, repeats: number): void;
}

const state = shared('listener', (): { listener: Listener | null } => ({ listener: null }));

/**
 * Called by every neuron layer with what it is about to return. In the `call` of a neuron of your own it makes
 * `observe`, firing rates and energy see that neuron too, and neurons behind it know that their input is spikes.
 */
export function emitSpikes(layer: tf.layers.Layer, spikes: tf.Tensor): void {
  markSpikes(spikes);
  state.listener?.spikes?.(layer, spikes);
}

/** Called by every convolution and linear map with what it is about to compute. */
export function emitInput(layer: tf.layers.Layer, x: tf.Tensor, repeats = 1): void {
  state.listener?.input?.(layer, x, repeats);
}

/** Runs `run` while `heard` hears every layer. */
export function withListener<T>(heard: Listener, run: () => T): T {
  const outer = state.listener;
  state.listener = heard;
  try {
    return run();
  } finally {
    state.listener = outer;
  }
}
