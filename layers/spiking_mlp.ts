/** Spikingformer's MLP: LIF, linear, BN to a wider layer, and the same back (arXiv 2304.11954). */
import type * as tf from '@tensorflow/tfjs';
import { checkPositive, invalid } from '../lib/validate';
import { applyTo, CompositeLayer } from './_composite';
import {
  type CallArgs,
  checkLayerKeys,
  checkTokens,
  type LayerArgs,
  oneShape,
  register,
} from './_layer';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from './_neuron_options';
import type { LIFNode } from './lif_node';
import { LinearBN } from './linear_bn';

export interface SpikingMLPConfig extends LayerArgs, NeuronOptions {
  /** Width of the hidden layer in channels of the input. Default 4. */
  hiddenRatio?: number;
}

/** `[batch, time, tokens, channels]` or `[batch, time, height, width, channels]` -> the same shape, real numbers. */
export class SpikingMLP extends CompositeLayer {
  static className = 'SpikingMLP';
  private readonly config: tf.serialization.ConfigDict;
  private readonly hiddenRatio: number;
  private readonly lifs: LIFNode[];
  private linears: LinearBN[] = [];

  constructor(config: SpikingMLPConfig = {}) {
    checkLayerKeys('SpikingMLP', config, ['hiddenRatio', ...neuronOptionKeys]);
    super(config);
    const { hiddenRatio = 4 } = config;
    checkPositive('hiddenRatio', hiddenRatio);
    this.hiddenRatio = hiddenRatio;
    const neurons = new NeuronFactory(config);
    this.lifs = ['lif1', 'lif2'].map((name) => this.own(neurons.lif(name)));
    this.config = { hiddenRatio, ...neurons.options };
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
    this.linears = [
      this.own(new LinearBN({ name: 'fc1', units: hidden, useBias: true })),
      this.own(new LinearBN({ name: 'fc2', units: channels, useBias: true })),
    ];
    let shape = inputShape;
    this.lifs.forEach((lif, i) => {
      this.buildSublayer(lif, shape);
      shape = this.buildSublayer(this.linears[i]!, shape);
    });
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return this.lifs.reduce(
      (y, lif, i) => applyTo(this.linears[i]!, applyTo(lif, y, kwargs), kwargs),
      x,
    );
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}

export const spikingMLP = (config?: SpikingMLPConfig) => new SpikingMLP(config);

register(SpikingMLP);
