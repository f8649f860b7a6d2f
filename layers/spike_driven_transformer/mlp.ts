/** The Spike-driven Transformer's MLP: LIF, linear, BN to a hidden layer, and the same back (arXiv 2307.01694). */
import type * as tf from '@tensorflow/tfjs';
import { runChain } from '../chain';
import { CompositeLayer } from '../composite';
import { type CallArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory } from '../neuron_options';
import { hiddenRatioOf, type MLPConfig, mlpKeys, mlpMaps } from '../parts/mlp';
import { INIT_STD } from './init_std';

export type SpikeDrivenMLPConfig = MLPConfig;

/**
 * `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape, real numbers:
 * BN(linear(LIF(h))), h = BN(linear(LIF(x))). With hiddenRatio 1 there is a membrane shortcut around each half, as in
 * the published code: h + BN(linear(LIF(x + h))). The shortcut around the whole is SpikeDrivenBlock's.
 */
export class SpikeDrivenMLP extends CompositeLayer {
  static className = 'SpikeDrivenMLP';
  private readonly hiddenRatio: number;
  private readonly lifs: readonly [LIFNode, LIFNode];
  private maps!: readonly [fc1: tf.layers.Layer, fc2: tf.layers.Layer];

  constructor(config: SpikeDrivenMLPConfig = {}) {
    super(config, mlpKeys);
    const neurons = new NeuronFactory(config);
    this.hiddenRatio = hiddenRatioOf(config);
    this.lifs = [this.own(neurons.lif('lif1')), this.own(neurons.lif('lif2'))];
    this.config = { hiddenRatio: this.hiddenRatio, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const [lif1, lif2] = this.lifs;
    const [fc1, fc2] = mlpMaps(this.name, inputShape, this.hiddenRatio, { initStd: INIT_STD });
    this.maps = [this.own(fc1), this.own(fc2)];
    this.buildInOrder([lif1, fc1, lif2, fc2], inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const [[lif1, lif2], [fc1, fc2]] = [this.lifs, this.maps];
    if (this.hiddenRatio !== 1) return runChain([lif1, fc1, lif2, fc2], x, kwargs);
    const hidden = runChain([lif1, fc1], x, kwargs);
    return hidden.add(runChain([lif2, fc2], x.add(hidden), kwargs));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

export const spikeDrivenMLP = (config?: SpikeDrivenMLPConfig) => new SpikeDrivenMLP(config);

register(SpikeDrivenMLP);
