/** How layers can be observed: one listener at a time receives what neurons return and what linear maps take in. */
import type * as tf from '@tensorflow/tfjs';
import { shared } from '../lib/shared';
import { markSpikes } from './silent';

export interface Listener {
  /** Called before a neuron layer returns these spikes. */
  spikes?(layer: tf.layers.Layer, spikes: tf.Tensor): void;
  /** Called before a convolution or linear map computes this input, which stands for `repeats` equal time steps. */
  input?(layer: tf.layers.Layer, x: tf.Tensor, repeats: number): void;
}

const state = shared('listener', (): { listener: Listener | null } => ({ listener: null }));

/**
 * Every neuron layer calls this with the spikes that it is about to return. If the `call` of your own neuron does,
 * `observe`, firing rates and energy include that neuron, and layers behind it can tell that their input is spikes.
 */
export function emitSpikes(layer: tf.layers.Layer, spikes: tf.Tensor): void {
  markSpikes(spikes);
  state.listener?.spikes?.(layer, spikes);
}

/** Every convolution and linear map calls this with the input that it is about to compute. */
export function emitInput(layer: tf.layers.Layer, x: tf.Tensor, repeats = 1): void {
  state.listener?.input?.(layer, x, repeats);
}

/** Runs `run` while `heard` receives the reports of every layer. */
export function withListener<T>(heard: Listener, run: () => T): T {
  const outer = state.listener;
  state.listener = heard;
  try {
    return run();
  } finally {
    state.listener = outer;
  }
}
