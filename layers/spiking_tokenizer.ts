/** Spikingformer's tokenizer: four downsampling stages and a last ConvBN, from pixels or events to tokens (arXiv 2305.05954). */
import type * as tf from '@tensorflow/tfjs';
import { applyTo } from './_composite';
import { type CallArgs, register } from './_layer';
import { Tokenizer, type TokenizerConfig } from './_tokenizer';
import { ConvBN } from './conv_bn';

export type SpikingTokenizerConfig = TokenizerConfig;

/**
 * `[batch, time, height, width, channels]`, or an image `[batch, height, width, channels]` where timeSteps is set
 * -> real-valued tokens `[batch, time, height / patchSize, width / patchSize, embedDim]` (sides rounded up).
 */
export class SpikingTokenizer extends Tokenizer {
  static className = 'SpikingTokenizer';
  private readonly proj: ConvBN;

  constructor(config: SpikingTokenizerConfig) {
    super(config);
    this.proj = this.own(new ConvBN({ name: 'proj', filters: this.embedDim }));
  }

  protected override finish(spikes: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return applyTo(this.proj, spikes, kwargs);
  }
}

export const spikingTokenizer = (config: SpikingTokenizerConfig) => new SpikingTokenizer(config);

register(SpikingTokenizer);
