/** Spikformer's MLP: linear, BN, LIF to a wider layer, and the same back (arXiv 2209.15425). */
import type * as tf from '@tensorflow/tfjs';
import { checkBoolean } from '../../lib/validate';
import { runChain } from '../chain';
import { CompositeLayer } from '../composite';
import { type CallArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory } from '../neuron_options';
import { hiddenRatioOf, type MLPConfig, mlpKeys, mlpMaps } from '../parts/mlp';
import { initStdOf, type Projection, type ProjectionOptions, projectionOf } from './projection';

/** Options of {@link SpikformerMLP}. */
export interface SpikformerMLPConfig extends MLPConfig, ProjectionOptions {
  /** Whether both maps have a bias. Default true. */
  useBias?: boolean;
}

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> spikes of the same shape. */
export class SpikformerMLP extends CompositeLayer {
  static className = 'SpikformerMLP';
  private readonly hiddenRatio: number;
  private readonly projection: Projection;
  private readonly useBias: boolean;
  private readonly lifs: readonly LIFNode[];
  private layers: tf.layers.Layer[] = [];

  constructor(config: SpikformerMLPConfig = {}) {
    super(config, [...mlpKeys, 'projection', 'useBias']);
    const { useBias = true } = config;
    checkBoolean('useBias', useBias);
    const neurons = new NeuronFactory(config);
    this.hiddenRatio = hiddenRatioOf(config);
    this.projection = projectionOf(config);
    this.useBias = useBias;
    this.lifs = ['lif1', 'lif2'].map((name) => this.own(neurons.lif(name)));
    const { hiddenRatio, projection } = this;
    this.config = { hiddenRatio, ...neurons.options, projection, ...(!useBias && { useBias }) };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const [lif1, lif2] = this.lifs as [LIFNode, LIFNode];
    const { name, hiddenRatio, useBias } = this;
    const options = { initStd: initStdOf(this.projection), useBias };
    const [fc1, fc2] = mlpMaps(name, inputShape, hiddenRatio, options);
    this.layers = [this.own(fc1), lif1, this.own(fc2), lif2];
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
 * A {@link SpikformerMLP} (arXiv 2209.15425): `[batch, time, tokens, channels]` or `[batch, time, height, width,
 * channels]` -> spikes of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikformerMLP = (config?: SpikformerMLPConfig) => new SpikformerMLP(config);

register(SpikformerMLP);
