/** Spikingformer's tokenizer: four downsampling stages and a last ConvBN, from pixels or events to tokens (arXiv 2305.05954). */
import type * as tf from '@tensorflow/tfjs';
import { runChain } from '../chain';
import { ConvBN } from '../conv_bn';
import { type CallArgs, register } from '../layer';
import { StagedTokenizer, type TokenizerConfig } from '../parts/stages';

/**
 * Options of {@link SpikingTokenizer}.
 *
 * @interface
 */
export type SpikingTokenizerConfig = TokenizerConfig;

/**
 * `[batch, time, height, width, channels]`, or an image `[batch, height, width, channels]` if timeSteps is set ->
 * real-valued tokens `[batch, time, height / patchSize, width / patchSize, embedDim]` (sides rounded up).
 */
export class SpikingTokenizer extends StagedTokenizer {
  static className = 'SpikingTokenizer';

  constructor(config: SpikingTokenizerConfig) {
    super(config);
    this.own(new ConvBN({ name: 'proj', filters: this.embedDim }));
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runChain(this.sublayers, x, kwargs);
  }
}

/**
 * A {@link SpikingTokenizer} (arXiv 2304.11954): `[batch, time, height, width, channels]` or an image -> real numbers
 * `[batch, time, height / patchSize, width / patchSize, embedDim]`.
 *
 * @throws if an option is unknown or invalid
 */
export const spikingTokenizer = (config: SpikingTokenizerConfig) => new SpikingTokenizer(config);

register(SpikingTokenizer);
