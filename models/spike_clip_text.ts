/** SpikeCLIP's text encoder (Lv et al., arXiv 2310.06488) as its authors released it, for your own CLIP embeddings. */
import * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/layer';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import { type SpikeClipTextEncoderConfig, spikeClipTextEncoder } from '../layers/spikeclip';
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';
import type { Family } from './family';
import { checkOption, type NetworkOptions, neuronOptions } from './options';
import { spikeClipTextCode } from './spike_clip_names';
import { networkOptions } from './spiking_transformer';

/** Options of `spikeClipText`. */
export interface SpikeClipTextConfig extends NeuronOptions {
  /** `[tokens, channels]` of an embedded prompt: 20 tokens in the authors' code, 512 channels in CLIP ViT-B/16. */
  inputShape: number[];
  /** Length of the embedding. Default: the channels of a token. */
  outputDim?: number;
  /** Width of the hidden layer, as a multiple of a token's channels. Default 4. */
  mlpRatio?: number;
  /** Number of time steps. Default 4. */
  timeSteps?: number;
  /** The model's name. */
  name?: string;
}

const { inputShape, mlpRatio, timeSteps, name } = networkOptions;
const options = {
  ...{ inputShape, mlpRatio, timeSteps, name },
  outputDim: { type: 'integer', recipe: false },
  ...neuronOptions,
} satisfies NetworkOptions;

/**
 * Embedded prompts `[batch, tokens, channels]` -> embeddings `[batch, outputDim]`. The input is CLIP's token embeddings
 * plus position embeddings: CLIP's weights are not part of this model, nor of its state_dict.
 *
 * ```ts
 * const model = spiking.models.spikeClipText({ inputShape: [20, 512] });
 * ```
 */
export function spikeClipText(config: SpikeClipTextConfig): tf.LayersModel {
  checkKeys('spikeClipText', config, Object.keys(options));
  const { inputShape: shape } = config;
  if (!Array.isArray(shape) || shape.length !== 2) {
    throw invalid('inputShape', '[tokens, channels] of an embedded prompt', shape);
  }
  for (const [i, n] of shape.entries()) checkPositiveInteger(`inputShape[${i}]`, n);
  for (const [key, option] of Object.entries<NetworkOptions[string]>(options)) {
    checkOption(key, config[key as keyof SpikeClipTextConfig], option);
  }
  const encoder: SpikeClipTextEncoderConfig = {
    ...pick(config, ['timeSteps', 'mlpRatio', ...neuronOptionKeys]),
    name: 'encoder',
    outputDim: config.outputDim ?? shape[1]!,
  };
  const input = tf.input({ shape });
  const outputs = spikeClipTextEncoder(encoder).apply(input) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs, ...pick(config, ['name']) });
}

const presets = {
  'spikeclip-text-512': { inputShape: [20, 512], outputDim: 512 },
} satisfies Record<string, SpikeClipTextConfig>;

/** The names of the presets. */
export type SpikeClipTextPreset = keyof typeof presets;

export const spikeClipTextFamily: Family<SpikeClipTextConfig> = {
  name: 'spikeclip-text',
  options,
  create: spikeClipText,
  /** For 20 tokens, in the space of CLIP ViT-B/16. */
  presets,
  authors: spikeClipTextCode,
};
