/** Spikingformer's MLP: LIF, linear, BN to a wider layer, and the same back (arXiv 2304.11954). */
import type * as tf from '@tensorflow/tfjs';
import { checkBoolean, invalid } from '../../lib/validate';
import { addChain, runChain } from '../chain';
import { CompositeLayer } from '../composite';
import { type CallArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { LinearBN } from '../linear_bn';
import { NeuronFactory } from '../neuron_options';
import { hiddenRatioOf, type MLPConfig, mlpKeys, mlpMaps } from '../parts/mlp';

/** Options of {@link SpikingMLP}. */
export interface SpikingMLPConfig extends MLPConfig {
  /**
   * Whether the input is also added to the hidden layer, which requires hiddenRatio 1: h = fc1(x), h + fc2(x + h), for
   * blocks that add x, as Max-Former's. Default false.
   */
  hiddenShortcut?: boolean;
}

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape, real numbers. */
export class SpikingMLP extends CompositeLayer {
  static className = 'SpikingMLP';
  private readonly hiddenRatio: number;
  private readonly hiddenShortcut: boolean;
  private readonly lifs: readonly LIFNode[];
  private layers: tf.layers.Layer[] = [];

  constructor(config: SpikingMLPConfig = {}) {
    super(config, [...mlpKeys, 'hiddenShortcut']);
    const neurons = new NeuronFactory(config);
    this.hiddenRatio = hiddenRatioOf(config);
    const { hiddenShortcut = false } = config;
    checkBoolean('hiddenShortcut', hiddenShortcut);
    if (hiddenShortcut && this.hiddenRatio !== 1) {
      throw invalid('hiddenRatio', '1 with hiddenShortcut', this.hiddenRatio);
    }
    this.hiddenShortcut = hiddenShortcut;
    this.lifs = ['lif1', 'lif2'].map((name) => this.own(neurons.lif(name)));
    this.config = { hiddenRatio: this.hiddenRatio, hiddenShortcut, ...neurons.options };
  }

  /** A map and its norm; a family with another norm overrides it. */
  protected makeMap(name: string, units: number): tf.layers.Layer {
    return new LinearBN({ name, units, useBias: true });
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const [lif1, lif2] = this.lifs as [LIFNode, LIFNode];
    const map = (name: string, units: number) => this.own(this.makeMap(name, units));
    const [fc1, fc2] = mlpMaps(this.name, inputShape, this.hiddenRatio, map);
    this.layers = [lif1, fc1, lif2, fc2];
    this.buildInOrder(this.layers, inputShape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    if (!this.hiddenShortcut) return runChain(this.layers, x, kwargs);
    const hidden = runChain(this.layers.slice(0, 2), x, kwargs);
    return hidden.add(runChain(this.layers.slice(2), x.add(hidden), kwargs));
  }

  /** @internal See CompositeLayer. */
  override plus(addend: tf.Tensor, x: tf.Tensor, kwargs: CallArgs): tf.Tensor | null {
    if (this.hiddenShortcut || !this.isPlain(SpikingMLP)) return null;
    return addChain(addend, this.layers, x, kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }
}

/**
 * A {@link SpikingMLP} (arXiv 2304.11954): `[batch, time, tokens, channels]` or `[batch, time, height, width,
 * channels]` -> real numbers of the same shape.
 *
 * @throws if an option is unknown or invalid
 */
export const spikingMLP = (config?: SpikingMLPConfig) => new SpikingMLP(config);

register(SpikingMLP);
