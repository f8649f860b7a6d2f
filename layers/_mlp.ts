/** What the MLPs of Spikingformer and Spikformer share: two linear maps with batch norm, and a neuron beside each. */
import type * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../lib/validate';
import { CompositeLayer } from './_composite';
import { applyAll } from './_kernel_bn';
import { type CallArgs, checkLayerKeys, checkTokens, type LayerArgs, oneShape } from './_layer';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from './_neuron_options';
import type { LIFNode } from './lif_node';
import { LinearBN } from './linear_bn';

export interface MLPConfig extends LayerArgs, NeuronOptions {
  /** Width of the hidden layer in channels of the input. Default 4. */
  hiddenRatio?: number;
}

/** A subclass says in which order a map and its neuron stand. */
export abstract class MLP extends CompositeLayer {
  protected readonly config: tf.serialization.ConfigDict;
  private readonly hiddenRatio: number;
  private readonly lifs: LIFNode[];
  private linears: LinearBN[] = [];

  /** @param ownKeys Options that only the subclass has. */
  constructor(config: MLPConfig, ownKeys: readonly string[] = []) {
    const { className } = new.target as unknown as { className: string };
    checkLayerKeys(className, config, ['hiddenRatio', ...neuronOptionKeys, ...ownKeys]);
    super(config);
    const { hiddenRatio = 4 } = config;
    checkPositive('hiddenRatio', hiddenRatio);
    this.hiddenRatio = hiddenRatio;
    const neurons = new NeuronFactory(config);
    this.lifs = ['lif1', 'lif2'].map((name) => this.own(neurons.lif(name)));
    this.config = { hiddenRatio, ...neurons.options };
  }

  /** As LinearBN's option of that name. */
  protected abstract initStd(): number | null;

  /** One linear map and its neuron, in the family's order. */
  protected abstract inOrder<T>(linear: T, lif: T): [first: T, second: T];

  private pairs(): [tf.layers.Layer, tf.layers.Layer][] {
    return this.lifs.map((lif, i) => this.inOrder<tf.layers.Layer>(this.linears[i]!, lif));
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const channels = checkTokens(this.name, inputShape);
    const hidden = channels * this.hiddenRatio;
    if (!Number.isInteger(hidden)) {
      throw invalid(
        'hiddenRatio',
        `such that ${channels} channels times it is whole`,
        this.hiddenRatio,
      );
    }
    const map = (name: string, units: number) =>
      this.own(new LinearBN({ name, units, useBias: true, initStd: this.initStd() }));
    this.linears = [map('fc1', hidden), map('fc2', channels)];
    let shape = inputShape;
    for (const layer of this.pairs().flat()) shape = this.buildSublayer(layer, shape);
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return applyAll(this.pairs().flat(), x, kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}
