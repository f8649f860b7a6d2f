/** How a neuron layer's spikes are seen from outside: one listener at a time, told of every call. */
import type * as tf from '@tensorflow/tfjs';

type SpikeListener = (layer: tf.layers.Layer, spikes: tf.Tensor) => void;

let listener: SpikeListener | null = null;

/** Called by every neuron layer with what it is about to return. */
export function emitSpikes(layer: tf.layers.Layer, spikes: tf.Tensor): void {
  listener?.(layer, spikes);
}

/** Runs `run` while `onSpikes` hears every neuron layer. */
export function withSpikeListener<T>(onSpikes: SpikeListener, run: () => T): T {
  const outer = listener;
  listener = onSpikes;
  try {
    return run();
  } finally {
    listener = outer;
  }
}
