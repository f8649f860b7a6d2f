/**
 * SpikeCLIP's text encoder as its authors released it: two linear maps after CLIP's embedding of a prompt (arXiv
 * 2310.06488).
 */
import * as tf from '@tensorflow/tfjs';
import { repeatOverTime } from '../../lib/fold_time';
import { checkPositive, checkPositiveInteger, invalid } from '../../lib/validate';
import { runChain } from '../chain';
import { CompositeLayer } from '../composite';
import { FoldTime } from '../fold_time';
import { torchBias, torchKernel } from '../initializers';
import { type CallArgs, type LayerArgs, oneShape, register } from '../layer';
import type { LIFNode } from '../lif_node';
import { NeuronFactory, type NeuronOptions, neuronOptionKeys } from '../neuron_options';
import { TimeWeightedSum } from './time_weighted_sum';

/** Options of {@link SpikeClipTextEncoder}. */
export interface SpikeClipTextEncoderConfig extends LayerArgs, NeuronOptions {
  /** Length of the embedding that it returns; CLIP's is 512. */
  outputDim: number;
  /** Width of the hidden layer, as a multiple of a token's channels. Default 4. */
  mlpRatio?: number;
  /** How many times the prompt is presented. Default 4. */
  timeSteps?: number;
}

const ownKeys = ['outputDim', 'mlpRatio', 'timeSteps', ...neuronOptionKeys];

/**
 * Embedded tokens `[batch, tokens, channels]`, CLIP's token embeddings plus position embeddings -> `[batch,
 * outputDim]`: all tokens side by side; at every time step LIF, linear, LIF, linear; then TimeWeightedSum. It has no
 * attention and no mask: padding counts, and the number of tokens (20 in the authors' code) is fixed.
 */
export class SpikeClipTextEncoder extends CompositeLayer {
  static className = 'SpikeClipTextEncoder';
  private readonly outputDim: number;
  private readonly mlpRatio: number;
  private readonly timeSteps: number;
  private readonly lifs: readonly [LIFNode, LIFNode];
  private layers: tf.layers.Layer[] = [];

  constructor(config: SpikeClipTextEncoderConfig) {
    super(config, ownKeys);
    const { outputDim, mlpRatio = 4, timeSteps = 4 } = config;
    checkPositiveInteger('outputDim', outputDim);
    checkPositive('mlpRatio', mlpRatio);
    checkPositiveInteger('timeSteps', timeSteps);
    const neurons = new NeuronFactory(config);
    this.outputDim = outputDim;
    this.mlpRatio = mlpRatio;
    this.timeSteps = timeSteps;
    this.lifs = [this.own(neurons.lif('lif1')), this.own(neurons.lif('lif2'))];
    this.config = { outputDim, mlpRatio, timeSteps, ...neurons.options };
  }

  protected override buildSublayers(inputShape: tf.Shape): void {
    const [, tokens, channels] = inputShape;
    if (inputShape.length !== 3 || tokens == null || channels == null) {
      const expected = 'of shape [batch, tokens, channels], with tokens and channels known';
      throw invalid(`The input of ${this.name}`, expected, inputShape);
    }
    const hidden = channels * this.mlpRatio;
    if (!Number.isInteger(hidden)) {
      const expected = `a number whose product with the ${channels} channels is whole`;
      throw invalid('mlpRatio', expected, this.mlpRatio);
    }
    const [lif1, lif2] = this.lifs;
    const width = tokens * channels;
    const sum = this.own(new TimeWeightedSum({ name: 'time_sum' }));
    this.layers = [
      lif1,
      this.map('fc1', width, hidden),
      lif2,
      this.map('fc2', hidden, this.outputDim),
      sum,
    ];
    this.buildInOrder(this.layers, [inputShape[0]!, this.timeSteps, width]);
  }

  private map(name: string, inputs: number, units: number): tf.layers.Layer {
    const initializers = {
      kernelInitializer: torchKernel(),
      biasInitializer: torchBias(inputs),
    };
    const layer = tf.layers.dense({ name: 'linear', units, ...initializers });
    return this.own(new FoldTime({ name, layer }));
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    const prompt = x.reshape([x.shape[0]!, -1]);
    return runChain(this.layers, repeatOverTime(prompt, this.timeSteps), kwargs);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return [oneShape(inputShape)[0]!, this.outputDim];
  }
}

/**
 * A {@link SpikeClipTextEncoder} (arXiv 2310.06488): embedded tokens `[batch, tokens, channels]` -> `[batch,
 * outputDim]`.
 *
 * @throws if an option is unknown or invalid
 */
export const spikeClipTextEncoder = (config: SpikeClipTextEncoderConfig) =>
  new SpikeClipTextEncoder(config);

register(SpikeClipTextEncoder);
