/** SpikeCLIP's image encoder (Lv et al., arXiv 2310.06488): a Spikingformer that returns embeddings in CLIP's space. */
import * as tf from '@tensorflow/tfjs';
import { normalKernel } from '../layers/initializers';
import { pick } from '../layers/layer';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import {
  type SpikeClipBlockConfig,
  spikeClipBlock,
  spikeClipTokenizer,
  timeWeightedSum,
} from '../layers/spikeclip';
import { tokenMean } from '../layers/token_mean';
import { checkKeys, invalid } from '../lib/validate';
import { cifar10 } from './data_sets';
import type { Family } from './family';
import { checkOption, type NetworkOptions, neuronOptions } from './options';
import { spikeClipImageCode } from './spike_clip_names';
import { imageTimeSteps, networkOptions } from './spiking_transformer';

/** Options of `spikeClipImage`. */
export interface SpikeClipImageConfig extends NeuronOptions {
  /** `[height, width, channels]`, an image, presented at every time step. */
  inputShape: number[];
  /** Length of the embedding. Default 512, as in CLIP ViT-B/16. */
  outputDim?: number;
  /** Channels per token, a multiple of 8 and of numHeads. */
  embedDim: number;
  /** Number of blocks. */
  depth: number;
  /** Number of attention heads. Default 8. */
  numHeads?: number;
  /** Width of an MLP's hidden layer, as a multiple of its input's. Default 4. */
  mlpRatio?: number;
  /** Number of time steps. Default 4. Weights trained with one number do not fit another. */
  timeSteps?: number;
  /** Factor on attention's product. Default 0.125. */
  scale?: number;
  /** Threshold of the neurons after attention's product. Default 0.5. */
  attnVThreshold?: number;
  /** The model's name. */
  name?: string;
}

const { numClasses: _, order: __, patchSize: ___, ...shared } = networkOptions;
const options = {
  ...shared,
  outputDim: { type: 'integer', default: 512, recipe: false },
  ...neuronOptions,
} satisfies NetworkOptions;

/**
 * A whole network: `[batch, ...inputShape]` -> embeddings `[batch, outputDim]`, in the direction of CLIP's for the
 * same image: Spikingformer's tokenizer (patches of 4 pixels) and blocks, the mean over tokens, TimeWeightedSum, a
 * linear map. `zeroShot` compares embeddings with those of classes.
 *
 * ```ts
 * const model = spiking.models.spikeClipImage({ inputShape: [32, 32, 3], embedDim: 64, depth: 1 });
 * ```
 */
export function spikeClipImage(config: SpikeClipImageConfig): tf.LayersModel {
  checkKeys('spikeClipImage', config, Object.keys(options));
  const timeSteps = imageTimeSteps(config);
  if (timeSteps === null) {
    throw invalid('inputShape', '[height, width, channels], an image', config.inputShape);
  }
  for (const [key, option] of Object.entries<NetworkOptions[string]>(options)) {
    checkOption(key, config[key as keyof SpikeClipImageConfig], option);
  }
  const { embedDim, numHeads = 8, outputDim = options.outputDim.default } = config;
  if (embedDim % numHeads !== 0) {
    throw invalid('numHeads', `a divisor of embedDim (${embedDim})`, numHeads);
  }
  const neurons = pick(config, neuronOptionKeys);
  const blockKeys = ['mlpRatio', 'scale', 'attnVThreshold', ...neuronOptionKeys];
  const blockConfig = { ...pick(config, blockKeys), numHeads } as SpikeClipBlockConfig;
  const layers = [
    spikeClipTokenizer({ name: 'tokenizer', embedDim, timeSteps, ...neurons }),
    ...Array.from({ length: config.depth }, (_, i) =>
      spikeClipBlock({ ...blockConfig, name: `block${i + 1}` }),
    ),
    tokenMean({ name: 'token_mean' }),
    timeWeightedSum({ name: 'time_sum' }),
    tf.layers.dense({ name: 'head', units: outputDim, kernelInitializer: normalKernel(0.02) }),
  ];
  const input = tf.input({ shape: config.inputShape });
  const outputs = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs, ...pick(config, ['name']) });
}

const { inputShape } = cifar10;

/** The name in the authors' scripts. */
const presets = {
  'spikeclip-image-4-384': { inputShape, outputDim: 512, depth: 4, embedDim: 384, numHeads: 8 },
} satisfies Record<string, SpikeClipImageConfig>;

/** The names of the presets. */
export type SpikeClipImagePreset = keyof typeof presets;

export const spikeClipImageFamily: Family<SpikeClipImageConfig> = {
  name: 'spikeclip-image',
  options,
  create: spikeClipImage,
  presets,
  authors: spikeClipImageCode,
};
