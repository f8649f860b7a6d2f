/**
 * Spikformer's tokenizer (spiking patch splitting): four downsampling stages and a branch that encodes positions (arXiv
 * 2209.15425).
 */
import type * as tf from '@tensorflow/tfjs';
import { runChain, runResidual } from '../chain';
import { CMLDownsample } from '../cml_downsample';
import { type CallArgs, register } from '../layer';
import { StagedTokenizer, type TokenizerConfig } from '../parts/stages';

/**
 * Options of {@link SpikformerTokenizer}.
 *
 * @interface
 */
export type SpikformerTokenizerConfig = TokenizerConfig;

/**
 * `[batch, time, height, width, channels]`, or an image `[batch, height, width, channels]` if timeSteps is set ->
 * tokens of 0, 1 and 2 `[batch, time, height / patchSize, width / patchSize, embedDim]` (sides rounded up): x +
 * LIF(ConvBN(x)), where x is the spikes of the stages.
 */
export class SpikformerTokenizer extends StagedTokenizer {
  static className = 'SpikformerTokenizer';
  private readonly rpe: CMLDownsample;

  constructor(config: SpikformerTokenizerConfig) {
    super(config);
    const { embedDim, neuronOptions } = this;
    const noPool = { poolSize: 1, poolStrides: 1 };
    const rpe = { name: 'rpe', filters: embedDim, ...noPool, ...neuronOptions };
    this.rpe = this.own(new CMLDownsample(rpe));
  }

  protected override forward(x: tf.Tensor, kwargs: CallArgs): tf.Tensor {
    return runResidual([this.rpe], runChain(this.stages, x, kwargs), kwargs);
  }
}

/**
 * A {@link SpikformerTokenizer} (arXiv 2209.15425): `[batch, time, height, width, channels]` or an image -> `[batch,
 * time, height / patchSize, width / patchSize, embedDim]`.
 *
 * @throws if an option is unknown or invalid
 */
export const spikformerTokenizer = (config: SpikformerTokenizerConfig) =>
  new SpikformerTokenizer(config);

register(SpikformerTokenizer);
