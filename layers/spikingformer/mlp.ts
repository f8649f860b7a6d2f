/** Spikingformer's MLP: LIF, linear, BN to a wider layer, and the same back (arXiv 2304.11954). */
import type * as tf from '@tensorflow/tfjs';
import { runChain } from '../chain';
import { CompositeLayer } from '../composite';
import { type CallArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory } from '../neuron_options';
import { hiddenRatioOf, type MLPConfig, mlpKeys, mlpMaps } from '../parts/mlp';

export type SpikingMLPConfig = MLPConfig;

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape, real numbers. */
export class SpikingMLP extends CompositeLayer {
  static className = 'SpikingMLP';
  private readonly hiddenRatio: number;
  private readonly lifs: readonly LIFNode[];
  private layers: tf.layers.Layer[] = [];

  constructor(config: SpikingMLPConfig = {}) {
    super(config, mlpKeys);
    const neurons = new NeuronFactory(config);
    this.hiddenRatio = hiddenRatioOf(config);
    this.lifs = ['lif1', 'lif2'].map((name) => this.own(neurons.lif(name)));
    this.config = { hiddenRatio: this.hiddenRatio, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const [lif1, lif2] = this.lifs as [LIFNode, LIFNode];
    const [fc1, fc2] = mlpMaps(this.name, inputShape, this.hiddenRatio, null);
    this.layers = [lif1, this.own(fc1), lif2, this.own(fc2)];
    this.buildInOrder(this.layers, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runChain(this.layers, x, kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

export const spikingMLP = (config?: SpikingMLPConfig) => new SpikingMLP(config);

register(SpikingMLP);
