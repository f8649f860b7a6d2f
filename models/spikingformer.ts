/** Spikingformer (Zhou et al., arXiv 2304.11954), with or without CML downsampling (arXiv 2305.05954). */
import type * as tf from '@tensorflow/tfjs';
import { spikingformerBlock, spikingTokenizer } from '../layers/spikingformer';
import { cifar10, cifar10dvs, cifar100, dvs128, imagenet } from './data_sets';
import type { Family } from './family';
import { neuronOptions } from './options';
import {
  type NetworkConfig,
  networkOptions,
  spikingTransformer,
  transformerCode,
} from './spiking_transformer';
import { tokenPruningOptions } from './token_pruning';
import {
  attentionEntries,
  blockEntries,
  type MapNames,
  named,
  tokenizerEntries,
} from './torch_names';

/**
 * Options of `spikingformer`.
 *
 * @interface
 */
export type SpikingformerConfig = NetworkConfig;

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`. Neurons precede each convolution, and
 * blocks add real numbers.
 *
 * ```ts
 * const model = spiking.models.spikingformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64, depth: 1 });
 * ```
 */
export function spikingformer(config: SpikingformerConfig): tf.LayersModel {
  return spikingTransformer('spikingformer', config, {
    tokenizer: spikingTokenizer,
    block: spikingformerBlock,
  });
}

/** The paper's networks. */
const presets = {
  'spikingformer-4-256-cifar10': { ...cifar10, depth: 4, embedDim: 256, numHeads: 8 },
  'spikingformer-2-384-cifar10': { ...cifar10, depth: 2, embedDim: 384, numHeads: 12 },
  'spikingformer-4-384-cifar10': { ...cifar10, depth: 4, embedDim: 384, numHeads: 12 },
  'spikingformer-4-256-cifar100': { ...cifar100, depth: 4, embedDim: 256, numHeads: 8 },
  'spikingformer-2-384-cifar100': { ...cifar100, depth: 2, embedDim: 384, numHeads: 8 },
  'spikingformer-4-384-cifar100': { ...cifar100, depth: 4, embedDim: 384, numHeads: 8 },
  'spikingformer-8-384-imagenet': { ...imagenet, depth: 8, embedDim: 384, numHeads: 8 },
  'spikingformer-8-512-imagenet': { ...imagenet, depth: 8, embedDim: 512, numHeads: 8 },
  'spikingformer-8-768-imagenet': { ...imagenet, depth: 8, embedDim: 768, numHeads: 8 },
  'spikingformer-2-256-cifar10dvs': {
    ...cifar10dvs,
    depth: 2,
    embedDim: 256,
    numHeads: 16,
    tau: 1.75,
  },
  'spikingformer-2-256-dvs128': { ...dvs128, depth: 2, embedDim: 256, numHeads: 16, tau: 1.75 },
} satisfies Record<string, SpikingformerConfig>;

/** The names of the presets. */
export type SpikingformerPreset = keyof typeof presets | `${keyof typeof presets}-no-cml`;

/** The same networks from before CML, '...-no-cml'; those for events have tau 1.5. */
const withoutCML = Object.entries<SpikingformerConfig>(presets).map(([name, config]) => [
  `${name}-no-cml`,
  { ...config, order: 'conv-bn-lif-pool', ...(config.tau && { tau: 1.5 }) } as SpikingformerConfig,
]);

/** proj, proj1, ...; in the CIFAR code before CML block0, block1, ... */
function stageNames(tokenizer: tf.layers.Layer): MapNames[] {
  const { order, patchSize } = tokenizer.getConfig();
  const blocks = patchSize === 4 && order !== 'conv-bn-pool-lif';
  return [0, 1, 2, 3, 4].map((i) => named(blocks ? `block${i}` : `proj${i || ''}`, 4));
}

export const spikingformerFamily: Family<SpikingformerConfig> = {
  name: 'spikingformer',
  options: { ...networkOptions, ...tokenPruningOptions, ...neuronOptions },
  create: spikingformer,
  presets: { ...presets, ...Object.fromEntries(withoutCML) },
  authors: {
    layers: {
      SpikingTokenizer(layer) {
        const names = stageNames(layer);
        return tokenizerEntries(layer, names.slice(0, 4), [names[4]!, 'proj']);
      },
      SpikingformerBlock: (layer, { block = 0 }) =>
        blockEntries(layer, block, { attentionRank: 3, mlp: 'mlp', mlpRank: 4 }),
      SpikingSelfAttention: (layer) => attentionEntries(layer, 3),
    },
    ...transformerCode,
  },
};
