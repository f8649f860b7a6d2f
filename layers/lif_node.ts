/** Leaky integrate-and-fire neurons as a layer (SpikingJelly's MultiStepLIFNode). */
import type * as tf from '@tensorflow/tfjs';
import type { NeuronAttrs } from '../lib/kernels/multi_step_lif';
import { type LIFParams, neuronKeys, resolveLIF } from '../lib/neuron_params';
import { checkLayerKeys, type LayerArgs, pick, register } from './layer';
import { NeuronLayer, type StatefulArgs } from './neuron_layer';

export type LIFNodeConfig = LIFParams & StatefulArgs & LayerArgs;

/**
 * `[batch, time, ...]` -> spikes of the same shape, computed by `multiStepLIF`.
 *
 * ```ts
 * const model = tf.sequential();
 * model.add(spiking.layers.lifNode({ tau: 2, inputShape: [4, 10] }));
 * ```
 */
export class LIFNode extends NeuronLayer {
  static className = 'LIFNode';
  /** @internal */
  readonly attrs: NeuronAttrs;

  constructor(config: LIFNodeConfig = {}) {
    checkLayerKeys('LIFNode', config, [...neuronKeys.LIF, 'stateful']);
    super(config);
    this.attrs = resolveLIF(pick(config, neuronKeys.LIF));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.attrs, stateful: this.stateful };
  }
}

/**
 * A {@link LIFNode}: `[batch, time, ...]` -> spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const lifNode = (config?: LIFNodeConfig) => new LIFNode(config);

register(LIFNode);
