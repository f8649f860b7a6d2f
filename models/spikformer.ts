/** Spikformer (Zhou et al., arXiv 2209.15425), with or without CML downsampling (arXiv 2305.05954). */
import type * as tf from '@tensorflow/tfjs';
import { spikformerBlock, spikformerTokenizer } from '../layers/spikformer';
import { type ProjectionOptions, projections } from '../layers/spikformer/projection';
import { cifar10, cifar10dvs, cifar100, dvs128, imagenet } from './data_sets';
import type { Family } from './family';
import { type NetworkOptions, neuronOptions } from './options';
import {
  type NetworkConfig,
  networkOptions,
  spikingTransformer,
  transformerCode,
} from './spiking_transformer';
import { tokenPruningOptions } from './token_pruning';
import {
  attentionEntries,
  type BlockNames,
  blockEntries,
  type MapNames,
  named,
  tokenizerEntries,
} from './torch_names';

/** Options of `spikformer`. */
export interface SpikformerConfig extends NetworkConfig, ProjectionOptions {}

const blockOptions = {
  projection: { type: 'string', oneOf: projections, default: 'linear' },
} satisfies NetworkOptions;

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`. Neurons follow each convolution, and
 * blocks add spikes, so that whole numbers flow from block to block.
 *
 * ```ts
 * const model = spiking.models.spikformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64, depth: 1 });
 * ```
 */
export function spikformer(config: SpikformerConfig): tf.LayersModel {
  return spikingTransformer('spikformer', config, {
    tokenizer: spikformerTokenizer,
    block: spikformerBlock,
    blockOptions,
  });
}

/** As in the authors' files for ImageNet and for events. */
const conv = { projection: 'conv' } as const;
const events = { ...conv, scale: 0.25 };

/** The paper's networks. */
const presets = {
  'spikformer-4-256-cifar10': { ...cifar10, depth: 4, embedDim: 256, numHeads: 8 },
  'spikformer-2-384-cifar10': { ...cifar10, depth: 2, embedDim: 384, numHeads: 12 },
  'spikformer-4-384-cifar10': { ...cifar10, depth: 4, embedDim: 384, numHeads: 12 },
  'spikformer-4-256-cifar100': { ...cifar100, depth: 4, embedDim: 256, numHeads: 8 },
  'spikformer-2-384-cifar100': { ...cifar100, depth: 2, embedDim: 384, numHeads: 12 },
  'spikformer-4-384-cifar100': { ...cifar100, depth: 4, embedDim: 384, numHeads: 12 },
  'spikformer-8-384-imagenet': { ...imagenet, depth: 8, embedDim: 384, numHeads: 8, ...conv },
  'spikformer-8-512-imagenet': { ...imagenet, depth: 8, embedDim: 512, numHeads: 8, ...conv },
  'spikformer-8-768-imagenet': { ...imagenet, depth: 8, embedDim: 768, numHeads: 8, ...conv },
  'spikformer-2-256-cifar10dvs': {
    ...cifar10dvs,
    depth: 2,
    embedDim: 256,
    numHeads: 16,
    ...events,
  },
  'spikformer-2-256-dvs128': { ...dvs128, depth: 2, embedDim: 256, numHeads: 16, ...events },
} satisfies Record<string, SpikformerConfig>;

/** The names of the presets. */
export type SpikformerPreset = keyof typeof presets | `${keyof typeof presets}-no-cml`;

/** The same networks from before CML, '...-no-cml'. */
const withoutCML = Object.entries(presets).map(([name, config]) => [
  `${name}-no-cml`,
  { ...config, order: 'conv-bn-lif-pool' } as SpikformerConfig,
]);

/** proj_conv, proj_conv1, ...; in the CIFAR code with CML block1_conv, block2_conv, ... */
function stageNames(tokenizer: tf.layers.Layer): MapNames[] {
  const { order, patchSize } = tokenizer.getConfig();
  const blocks = patchSize === 4 && order === 'conv-bn-pool-lif';
  return [0, 1, 2, 3].map((i) =>
    blocks
      ? named(`block${i + 1}`, 4)
      : { map: `proj_conv${i || ''}`, bn: `proj_bn${i || ''}`, rank: 4 },
  );
}

/** Linear maps, or convolutions; for events, those of the MLP too have one axis. */
function blockNames(layer: tf.layers.Layer, events = false): BlockNames {
  const linear = layer.getConfig().projection === 'linear';
  const convolution = events ? 3 : 4;
  return { attentionRank: linear ? 2 : 3, mlp: 'fc', mlpRank: linear ? 2 : convolution };
}

export const spikformerFamily: Family<SpikformerConfig> = {
  name: 'spikformer',
  options: { ...networkOptions, ...tokenPruningOptions, ...blockOptions, ...neuronOptions },
  create: spikformer,
  presets: { ...presets, ...Object.fromEntries(withoutCML) },
  authors: {
    layers: {
      SpikformerTokenizer: (layer) =>
        tokenizerEntries(layer, stageNames(layer), [named('rpe', 4), 'rpe/conv_bn']),
      SpikformerBlock: (layer, { block = 0, events }) =>
        blockEntries(layer, block, blockNames(layer, events)),
      SpikformerSelfAttention: (layer) => attentionEntries(layer, blockNames(layer).attentionRank),
    },
    ...transformerCode,
  },
};
