/** Membranes of chosen neurons, step by step. */
import * as tf from '@tensorflow/tfjs';
import { type LIFParams, neuronTrace } from 'tfjs-spikingformer';
import type { Network } from './network';
import { inputOf, layerAt } from './sublayers';

/** Of each chosen neuron a row of one number per time step. */
export interface Traces {
  path: string;
  neurons: number[];
  vThreshold: number;
  /** What the neuron takes in. */
  input: number[][];
  /** Membrane after charge, before reset. */
  charged: number[][];
  /** Membrane after reset. */
  membrane: number[][];
  spikes: number[][];
}

/** @param neurons indices into the layer's neurons, as they lie in a sample */
export async function traceNeurons(
  network: Network,
  bytes: Uint8Array,
  path: string,
  neurons: number[],
): Promise<Traces> {
  const layer = layerAt(network.model, path);
  const { tau, vThreshold, vReset, decayInput } = layer.getConfig() as Required<LIFParams>;
  const image = network.input(bytes);
  const input = inputOf(network.model, image, layer);
  const rows = tf.tidy(() => {
    const { h, v, spikes } = neuronTrace(input, { tau, vThreshold, vReset, decayInput });
    return tf.stack(
      [input, h, v, spikes].map((x) =>
        x.reshape([x.shape[1]!, -1]).gather(tf.tensor1d(neurons, 'int32'), 1).transpose(),
      ),
    );
  });
  const [taken, charged, membrane, fired] = (await rows.array()) as number[][][];
  tf.dispose([image, input, rows]);
  return {
    ...{ path, neurons, vThreshold },
    ...{ input: taken!, charged: charged!, membrane: membrane!, spikes: fired! },
  };
}
