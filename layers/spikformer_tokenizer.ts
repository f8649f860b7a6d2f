/** Spikformer's tokenizer (spiking patch splitting): four downsampling stages and a branch that tells positions apart (arXiv 2209.15425). */
import type * as tf from '@tensorflow/tfjs';
import { applyTo } from './_composite';
import { type CallArgs, register } from './_layer';
import { Tokenizer, type TokenizerConfig } from './_tokenizer';
import { CMLDownsample } from './cml_downsample';

export type SpikformerTokenizerConfig = TokenizerConfig;

/**
 * `[batch, time, height, width, channels]`, or an image `[batch, height, width, channels]` where timeSteps is set
 * -> tokens of 0, 1 and 2 `[batch, time, height / patchSize, width / patchSize, embedDim]` (sides rounded up):
 * the spikes x of the stages, and x + LIF(ConvBN(x)).
 */
export class SpikformerTokenizer extends Tokenizer {
  static className = 'SpikformerTokenizer';
  private readonly rpe: CMLDownsample;

  constructor(config: SpikformerTokenizerConfig) {
    super(config);
    const noPool = { poolSize: 1, poolStrides: 1 };
    this.rpe = this.own(
      new CMLDownsample({
        name: 'rpe',
        filters: this.embedDim,
        ...noPool,
        ...this.neuronOptions,
      }),
    );
  }

  protected override finish(spikes: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return spikes.add(applyTo(this.rpe, spikes, kwargs));
  }
}

export const spikformerTokenizer = (config: SpikformerTokenizerConfig) =>
  new SpikformerTokenizer(config);

register(SpikformerTokenizer);
