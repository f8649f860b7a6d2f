/** SpikeBERT (Lv et al., arXiv 2308.15122): Spikformer's blocks on words, with layer norms instead of batch norms. */
import type * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/layer';
import { layerNorm } from '../layers/layer_norm';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import {
  type SpikeBertBlockConfig,
  spikeBertBlock,
  spikeBertTransform,
} from '../layers/spike_bert';
import { tokenEmbedding } from '../layers/token_embedding';
import { tokenMean } from '../layers/token_mean';
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';
import type { Family } from './family';
import { checkOption, type NetworkOptions, neuronOptions } from './options';
import { spikeBertCode } from './spike_bert_names';
import { classifier, networkOptions } from './spiking_transformer';

/** Options of `spikeBert`. */
export interface SpikeBertConfig extends NeuronOptions {
  /** `[length]`: tokens per sentence, which is padded or cut to that length. */
  inputShape: number[];
  /**
   * Null for a network without classifier, as in the authors' first stage of distillation; its output is `[batch,
   * embedDim]`.
   */
  numClasses: number | null;
  /** Size of the vocabulary; 28996 (bert-base-cased) in the authors' networks. */
  vocabSize: number;
  /** Channels per token, a multiple of numHeads. */
  embedDim: number;
  /** Number of blocks. */
  depth: number;
  /** Number of attention heads. Default 8. */
  numHeads?: number;
  /** Width of an MLP's hidden layer, as a multiple of its input's. Default 4. */
  mlpRatio?: number;
  /** Number of time steps. Default 4. */
  timeSteps?: number;
  /** Factor on attention's product. Default 0.125. */
  scale?: number;
  /** Threshold of the neurons after attention's product. Default 0.5. */
  attnVThreshold?: number;
  /** As in TokenEmbedding. Default false, as the authors trained; true usually answers better. */
  positions?: boolean;
  /** As in TokenEmbedding. Default null, as the authors trained; the id of padding, 0 in BERT, usually answers better. */
  padId?: number | null;
  /** The model's name. */
  name?: string;
}

const { order: _, patchSize: __, ...shared } = networkOptions;
const options = {
  ...shared,
  numClasses: { type: 'integer', required: true, nullable: true, recipe: false },
  vocabSize: { type: 'integer', required: true, recipe: false },
  positions: { type: 'boolean', default: false },
  padId: { type: 'number', nullable: true },
  ...neuronOptions,
  surrogate: { type: 'string', default: 'atan' },
} satisfies NetworkOptions;

function checkSizes({
  inputShape,
  embedDim,
  numHeads = options.numHeads.default,
}: SpikeBertConfig) {
  if (!Array.isArray(inputShape) || inputShape.length !== 1) {
    throw invalid('inputShape', '[length], the tokens of a sentence', inputShape);
  }
  checkPositiveInteger('inputShape[0]', inputShape[0]);
  if (embedDim % numHeads !== 0) {
    throw invalid('numHeads', `a divisor of embedDim (${embedDim})`, numHeads);
  }
}

/**
 * A whole network: ids `[batch, length]`, int32 -> logits `[batch, numClasses]`, the mean over time of the logits at
 * each time step (`logitsPerStep`). Each block is followed by a SpikeBertTransform, which only distillation uses.
 *
 * ```ts
 * const model = spiking.models.spikeBert({ inputShape: [32], numClasses: 2, vocabSize: 1000, embedDim: 64, depth: 1 });
 * model.predict(tf.zeros([1, 32], 'int32')); // [1, 2]
 * ```
 */
export function spikeBert(config: SpikeBertConfig): tf.LayersModel {
  checkKeys('spikeBert', config, Object.keys(options));
  for (const [key, option] of Object.entries<NetworkOptions[string]>(options)) {
    checkOption(key, config[key as keyof SpikeBertConfig], option);
  }
  checkSizes(config);
  const { numHeads = options.numHeads.default, timeSteps = options.timeSteps.default } = config;
  const blockKeys = ['mlpRatio', 'scale', 'attnVThreshold', ...neuronOptionKeys];
  const blockConfig = { ...pick(config, blockKeys), numHeads } as SpikeBertBlockConfig;
  const { vocabSize, embedDim } = config;
  const encoding = pick(config, ['positions', 'padId', 'surrogate', 'alpha']);
  const layers = [
    tokenEmbedding({ name: 'embedding', vocabSize, embedDim, timeSteps, ...encoding }),
    ...Array.from({ length: config.depth }, (_, i) => [
      spikeBertBlock({ ...blockConfig, name: `block${i + 1}` }),
      spikeBertTransform({ name: `transform${i + 1}` }),
    ]).flat(),
    layerNorm({ name: 'last_ln' }),
    tokenMean({ name: 'token_mean' }),
  ];
  return classifier(config, layers, { headFirst: true, dtype: 'int32' });
}

const base = { vocabSize: 28996, embedDim: 768, numHeads: 8 };

/**
 * The authors' three networks, distilled from BERT in two stages: the final one; '-wiki', the student of the first
 * stage, on Wikipedia; and '-mr', trained without a teacher on movie reviews.
 */
const presets = {
  'spikebert-12-768': {
    ...base,
    inputShape: [128],
    depth: 12,
    numClasses: 2,
    timeSteps: 4,
    tau: 2,
  },
  'spikebert-6-768-wiki': {
    ...{ ...base, inputShape: [256], depth: 6, numClasses: null },
    ...{ timeSteps: 16, tau: 10 },
  },
  'spikebert-6-768-mr': {
    ...{ ...base, inputShape: [64], depth: 6, numClasses: 2 },
    ...{ timeSteps: 32, tau: 10 },
  },
} satisfies Record<string, SpikeBertConfig>;

/** The names of the presets. */
export type SpikeBertPreset = keyof typeof presets;

export const spikeBertFamily: Family<SpikeBertConfig> = {
  name: 'spikebert',
  options,
  create: spikeBert,
  notes: ({ padId = null }) =>
    padId === null
      ? [
          'padding counts as a token, as the authors trained: pad sentences to inputShape as they did',
        ]
      : [],
  presets,
  authors: spikeBertCode,
};
