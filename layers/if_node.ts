/** Integrate-and-fire neurons, without leak, as a layer (SpikingJelly's MultiStepIFNode). */
import type * as tf from '@tensorflow/tfjs';
import type { NeuronAttrs } from '../lib/kernels/multi_step_lif';
import { type IFParams, neuronKeys, resolveIF } from '../lib/neuron_params';
import { checkLayerKeys, type LayerArgs, pick, register } from './layer';
import { NeuronLayer, type StatefulArgs } from './neuron_layer';

export type IFNodeConfig = IFParams & StatefulArgs & LayerArgs;

/** `[batch, time, ...]` -> spikes of the same shape, computed by `multiStepIF`. */
export class IFNode extends NeuronLayer {
  static className = 'IFNode';
  protected readonly attrs: NeuronAttrs;

  constructor(config: IFNodeConfig = {}) {
    checkLayerKeys('IFNode', config, [...neuronKeys.IF, 'stateful']);
    super(config);
    this.attrs = resolveIF(pick(config, neuronKeys.IF));
  }

  override getConfig(): tf.serialization.ConfigDict {
    const config = pick({ ...this.attrs }, neuronKeys.IF) as tf.serialization.ConfigDict;
    return { ...super.getConfig(), ...config, stateful: this.stateful };
  }
}

/**
 * An {@link IFNode}: `[batch, time, ...]` -> spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const ifNode = (config?: IFNodeConfig) => new IFNode(config);

register(IFNode);
