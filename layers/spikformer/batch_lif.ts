/**
 * LIF neurons that treat time and batch as one time axis: a mistake in published code, whose weights were trained with
 * it.
 */
import * as tf from '@tensorflow/tfjs';
import { runNeuron } from '../../lib/neuron';
import { type CallArgs, oneTensor } from '../layer';
import { LIFNode, type LIFNodeConfig } from '../lif_node';
import { emitSpikes } from '../spikes';

/**
 * `[batch, time, ...]` -> spikes of the same shape. It integrates over time * batch steps: step t of every sample, then
 * step t + 1. The membrane of one sample leaks into the next, so that a sample's spikes depend on its neighbors in the
 * batch.
 */
export class BatchLIF extends LIFNode {
  constructor(config: LIFNodeConfig) {
    super(config);
    if (this.stateful)
      throw new Error(`${this.name} cannot keep state between calls: leave out stateful`);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: CallArgs): tf.Tensor {
    return tf.tidy(() => {
      this.invokeCallHook(inputs, kwargs);
      const x = oneTensor(inputs);
      const [batch, time, ...neurons] = x.shape as [number, number, ...number[]];
      const swapped = [1, 0, ...neurons.map((_, axis) => axis + 2)];
      const steps = x.transpose(swapped).reshape([1, time * batch, ...neurons]);
      const { spikes } = runNeuron(steps, this.attrs);
      const unfolded = spikes.reshape([time, batch, ...neurons]).transpose(swapped);
      emitSpikes(this, unfolded);
      return unfolded;
    });
  }
}
