/** SpikeBERT's MLP: linear, LN, LIF to a wider layer, and the same back (arXiv 2308.15122). */
import type * as tf from '@tensorflow/tfjs';
import { runChain } from '../chain';
import { CompositeLayer } from '../composite';
import { type CallArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearLN } from '../linear_ln';
import { hiddenRatioOf, type MLPConfig, mlpKeys, mlpMaps } from '../parts/mlp';
import { textNeurons } from './neurons';

/**
 * Neurons fire with the surrogate 'atan' by default.
 *
 * @interface
 */
export type SpikeBertMLPConfig = MLPConfig;

/**
 * `[batch, time, tokens, channels]` -> spikes of the same shape, as the paper describes. (The released code reshapes
 * the hidden layer to the width of the input and fails there.)
 */
export class SpikeBertMLP extends CompositeLayer {
  static className = 'SpikeBertMLP';
  private readonly hiddenRatio: number;
  private readonly lifs: readonly LIFNode[];
  private layers: tf.layers.Layer[] = [];

  constructor(config: SpikeBertMLPConfig = {}) {
    super(config, mlpKeys);
    const neurons = textNeurons(config);
    this.hiddenRatio = hiddenRatioOf(config);
    this.lifs = ['lif1', 'lif2'].map((name) => this.own(neurons.lif(name)));
    this.config = { hiddenRatio: this.hiddenRatio, ...neurons.options };
    this.supportsMasking = true;
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const [lif1, lif2] = this.lifs as [LIFNode, LIFNode];
    const map = (name: string, units: number) => this.own(new LinearLN({ name, units }));
    const [fc1, fc2] = mlpMaps(this.name, inputShape, this.hiddenRatio, map);
    this.layers = [fc1, lif1, fc2, lif2];
    this.buildInOrder(this.layers, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runChain(this.layers, x, kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

/**
 * A {@link SpikeBertMLP} (arXiv 2308.15122): `[batch, time, tokens, channels]` -> spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikeBertMLP = (config?: SpikeBertMLPConfig) => new SpikeBertMLP(config);

register(SpikeBertMLP);
