/**
 * Spike-driven Transformer (Yao et al., NeurIPS 2023, arXiv 2307.01694): membranes between blocks, masks as attention.
 */
import type * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/layer';
import { lifNode } from '../layers/lif_node';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import { spikeDrivenBlock, spikeDrivenTokenizer } from '../layers/spike_driven_transformer';
import { tokenMean } from '../layers/token_mean';
import { checkKeys, invalid } from '../lib/validate';
import * as data from './data_sets';
import type { Family } from './family';
import { checkOption, type NetworkOptions, neuronOptions } from './options';
import { classifier, imageTimeSteps, networkOptions, transformerCode } from './spiking_transformer';
import { pruningOfBlocks, type TokenPruning, tokenPruningOptions } from './token_pruning';
import {
  type LayerNames,
  lookup,
  mapBN,
  named,
  type Shapes,
  type Sizes,
  type TorchEntry,
  transformerSizes,
} from './torch_names';

/** Options of `spikeDrivenTransformer`. */
export interface SpikeDrivenTransformerConfig extends NeuronOptions, TokenPruning {
  /** `[height, width, channels]`: an image, presented at every time step; or `[time, height, width, channels]`: events. */
  inputShape: number[];
  numClasses: number;
  /** Channels per token, a multiple of 8 and of numHeads. */
  embedDim: number;
  /** Number of blocks. */
  depth: number;
  /** Number of attention heads. Default 8; without dvsMode it does not change the result. */
  numHeads?: number;
  /** Width of an MLP's hidden layer, as a multiple of its input's. Default 4. */
  mlpRatio?: number;
  /** Default 4 for images; for events it is inputShape[0]. */
  timeSteps?: number;
  /**
   * One digit for each of the tokenizer's four convolutions: 1 if a pool after it halves the image, else 0. Default
   * '1111'.
   */
  poolingStat?: string;
  /** Whether attention spreads spikes by max pools, as in the published network for CIFAR10-DVS. Default false. */
  dvsMode?: boolean;
  /** Threshold of the mask's neuron. Default 0.5. */
  attnVThreshold?: number;
  /** The model's name. */
  name?: string;
}

const poolingStats = Array.from({ length: 16 }, (_, i) => i.toString(2).padStart(4, '0'));

const { order: _order, patchSize: _patchSize, scale: _scale, ...shared } = networkOptions;
const options = {
  ...shared,
  poolingStat: { type: 'string', oneOf: poolingStats, default: '1111' },
  dvsMode: { type: 'boolean', default: false },
  ...tokenPruningOptions,
  ...neuronOptions,
} satisfies NetworkOptions;

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`: tokenizer, blocks, mean over tokens, LIF,
 * linear head, mean over time.
 *
 * ```ts
 * const model = spiking.models.spikeDrivenTransformer({
 *   inputShape: [32, 32, 3], numClasses: 10, embedDim: 64, depth: 1, poolingStat: '0011',
 * });
 * ```
 *
 * @throws if an option is unknown or invalid
 */
export function spikeDrivenTransformer(config: SpikeDrivenTransformerConfig): tf.LayersModel {
  checkKeys('spikeDrivenTransformer', config, Object.keys(options));
  const timeSteps = imageTimeSteps(config);
  for (const [key, option] of Object.entries<NetworkOptions[string]>(options)) {
    checkOption(key, config[key as keyof SpikeDrivenTransformerConfig], option);
  }
  const { embedDim, depth } = config;
  const size = {
    numHeads: config.numHeads ?? options.numHeads.default,
    mlpRatio: config.mlpRatio ?? options.mlpRatio.default,
  };
  if (embedDim % size.numHeads !== 0) {
    throw invalid('numHeads', `a divisor of embedDim (${embedDim})`, size.numHeads);
  }
  if (!Number.isInteger(embedDim * size.mlpRatio)) {
    throw invalid(
      'mlpRatio',
      `a number whose product with the ${embedDim} channels is whole`,
      size.mlpRatio,
    );
  }
  const neurons = pick(config, neuronOptionKeys);
  const tokens = { embedDim, timeSteps, ...pick(config, ['poolingStat']), ...neurons };
  const block = { ...size, ...pick(config, ['dvsMode', 'attnVThreshold']), ...neurons };
  const layers = [
    spikeDrivenTokenizer({ name: 'tokenizer', ...tokens }),
    ...pruningOfBlocks(config, depth).map((pruning, i) =>
      spikeDrivenBlock({ name: `block${i + 1}`, ...block, ...pruning }),
    ),
    tokenMean({ name: 'token_mean' }),
    lifNode({ name: 'head_lif', ...neurons }),
  ];
  return classifier(config, layers, { headFirst: true });
}

/** A data set's input and classes; poolingStat determines the patches. */
const sampleOf = ({ inputShape, numClasses }: { inputShape: number[]; numClasses: number }) => ({
  inputShape,
  numClasses,
});
const cifar = { depth: 2, poolingStat: '0011' };
const events = { depth: 2, embedDim: 256 };

/** The authors' networks. They resize frames of CIFAR10-DVS to 64 x 64. */
const presets = {
  'sdt-2-256-cifar10': { ...sampleOf(data.cifar10), ...cifar, embedDim: 256 },
  'sdt-2-512-cifar10': { ...sampleOf(data.cifar10), ...cifar, embedDim: 512 },
  'sdt-2-512-cifar100': { ...sampleOf(data.cifar100), ...cifar, embedDim: 512 },
  'sdt-8-384-imagenet': { ...sampleOf(data.imagenet), depth: 8, embedDim: 384 },
  'sdt-6-512-imagenet': { ...sampleOf(data.imagenet), depth: 6, embedDim: 512 },
  'sdt-8-512-imagenet': { ...sampleOf(data.imagenet), depth: 8, embedDim: 512 },
  'sdt-10-512-imagenet': { ...sampleOf(data.imagenet), depth: 10, embedDim: 512 },
  'sdt-8-768-imagenet': { ...sampleOf(data.imagenet), depth: 8, embedDim: 768 },
  'sdt-2-256-cifar10dvs': {
    inputShape: [10, 64, 64, 2],
    numClasses: data.cifar10dvs.numClasses,
    ...events,
    poolingStat: '0011',
    dvsMode: true,
  },
  'sdt-2-256-dvs128': { ...sampleOf(data.dvs128), ...events, poolingStat: '0111' },
} satisfies Record<string, SpikeDrivenTransformerConfig>;

/** The names of the presets. */
export type SpikeDrivenPreset = keyof typeof presets;

/** proj_conv and proj_bn, proj_conv1 and proj_bn1, ...; rpe: the convolution that encodes positions. */
const tokenizerNames: LayerNames = (layer) => {
  const get = lookup(layer);
  const maps = [
    ['proj', '', 'stage1/conv_bn'],
    ['proj', '1', 'stage2/conv_bn'],
    ['proj', '2', 'stage3/conv_bn'],
    ['proj', '3', 'conv_bn'],
    ['rpe', '', 'rpe'],
  ] as const;
  return maps.flatMap(([name, n, path]) => {
    const key = `patch_embed.${name}`;
    return mapBN({ map: `${key}_conv${n}`, bn: `${key}_bn${n}`, rank: 4 }, path, get);
  });
};

/** Attention's entries below `key`, from weights below `path`; the authors never call talking_heads. */
function attentionNames(layer: tf.layers.Layer, key = '', path = ''): TorchEntry[] {
  const get = lookup(layer);
  const heads = layer.getConfig().numHeads as number;
  const map = (name: string, bias: boolean) => mapBN(named(key + name, 4), path + name, get, bias);
  return [
    ...['q', 'k', 'v'].flatMap((name) => map(name, false)),
    {
      key: `${key}talking_heads.weight`,
      shape: [heads, heads, 1],
      variable: null,
      fill: 0,
      dtype: 'F32',
    },
    ...map('proj', true),
  ];
}

/** An MLP's entries below `key`, from weights below `path`. */
function mlpNames(layer: tf.layers.Layer, key = '', path = ''): TorchEntry[] {
  const get = lookup(layer);
  return [1, 2].flatMap((n) => mapBN(named(`${key}fc${n}`, 4), `${path}fc${n}`, get, true));
}

/** The number of heads is that of talking_heads, if the state_dict has it. */
function sizes(shapes: Shapes): Sizes | string {
  const found = transformerSizes(shapes);
  const numHeads = shapes['block.0.attn.talking_heads.weight']?.shape[0];
  return typeof found === 'string' || !numHeads ? found : { ...found, numHeads };
}

export const spikeDrivenFamily: Family<SpikeDrivenTransformerConfig> = {
  name: 'sdt',
  options,
  create: spikeDrivenTransformer,
  notes: ({ dvsMode }) =>
    dvsMode
      ? [
          'dvsMode, as in the published code: two of its max pools run over the token index and the channels of a head, not over the image',
        ]
      : [],
  presets,
  authors: {
    layers: {
      SpikeDrivenTokenizer: tokenizerNames,
      SpikeDrivenBlock: (layer, { block = 0 }) => [
        ...attentionNames(layer, `block.${block}.attn.`, 'attn/'),
        ...mlpNames(layer, `block.${block}.mlp.`, 'mlp/'),
      ],
      SpikeDrivenAttention: (layer) => attentionNames(layer),
      SpikeDrivenMLP: (layer) => mlpNames(layer),
    },
    ...transformerCode,
    sizes,
    fromArgs: ({ pooling_stat, dvs_mode, kept_side_per_block: sides }) => ({
      ...(typeof pooling_stat === 'string' && { poolingStat: pooling_stat }),
      ...(typeof dvs_mode === 'boolean' && { dvsMode: dvs_mode }),
      ...(Array.isArray(sides) && { keepTokens: sides.map((side: number) => side ** 2) }),
    }),
    unused: /\.(talking_heads\.weight|num_batches_tracked)$/,
  },
};
