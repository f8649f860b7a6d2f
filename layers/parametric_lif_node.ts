/** LIF neurons with a learned time constant (PLIF, Fang et al., arXiv 2007.05785) as a layer. */
import * as tf from '@tensorflow/tfjs';
import type { NeuronAttrs } from '../lib/kernels/multi_step_lif';
import { checkTimeConstant, neuronKeys, type PLIFParams, resolvePLIF } from '../lib/neuron_params';
import { invalid } from '../lib/validate';
import { checkLayerKeys, type LayerArgs, pick, register } from './layer';
import { NeuronLayer, type StatefulArgs } from './neuron_layer';

export interface PLIFNodeParams extends PLIFParams {
  /** The time constant before training, greater than 1, in time steps. Default 2. SpikingJelly: init_tau. */
  initTau?: number;
  /** The same, under LIFNode's name for it. */
  tau?: number;
}

export type ParametricLIFNodeConfig = PLIFNodeParams & StatefulArgs & LayerArgs;

/**
 * `[batch, time, ...]` -> spikes of the same shape, computed by `multiStepPLIF`. The whole layer has one weight `w` of
 * shape [1]: 1 / tau = sigmoid(w), initially w = -ln(initTau - 1).
 */
export class ParametricLIFNode extends NeuronLayer {
  static className = 'ParametricLIFNode';
  protected readonly attrs: NeuronAttrs;
  private readonly initTau: number;
  private w!: tf.LayerVariable;

  constructor(config: ParametricLIFNodeConfig = {}) {
    checkLayerKeys('ParametricLIFNode', config, [...neuronKeys.PLIF, 'initTau', 'tau', 'stateful']);
    super(config);
    const { tau, initTau = tau ?? 2 } = config;
    checkTimeConstant(tau === undefined ? 'initTau' : 'tau', tau ?? initTau);
    if (tau !== undefined && initTau !== tau) {
      throw invalid('initTau', `equal to tau (${tau}), which is the same option`, initTau);
    }
    this.initTau = initTau;
    this.attrs = resolvePLIF(pick(config, neuronKeys.PLIF));
  }

  /** Makes the weight of the time constant. */
  override build(inputShape: tf.Shape | tf.Shape[]): void {
    super.build(inputShape);
    const value = -Math.log(this.initTau - 1);
    this.w = this.addWeight('w', [1], 'float32', tf.initializers.constant({ value }));
  }

  protected override timeConstant(): tf.Tensor {
    return this.w.read();
  }

  override getConfig(): tf.serialization.ConfigDict {
    const config = pick({ ...this.attrs }, neuronKeys.PLIF) as tf.serialization.ConfigDict;
    return { ...super.getConfig(), ...config, initTau: this.initTau, stateful: this.stateful };
  }
}

/**
 * A {@link ParametricLIFNode} (arXiv 2007.05785): `[batch, time, ...]` -> spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const parametricLIFNode = (config?: ParametricLIFNodeConfig) =>
  new ParametricLIFNode(config);

register(ParametricLIFNode);
