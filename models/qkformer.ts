/**
 * QKFormer (Zhou et al., NeurIPS 2024, arXiv 2403.16552): three stages, with two-factor attention in the early ones.
 */
import type * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/layer';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import {
  type QKFormerBlockConfig,
  qkFormerBlock,
  type SpedsConfig,
  speds,
} from '../layers/qkformer';
import { checkKeys, invalid } from '../lib/validate';
import { cifar10, cifar10dvs, cifar100, dvs128, imagenet } from './data_sets';
import type { Family } from './family';
import { checkOption, type NetworkOptions, neuronOptions } from './options';
import { classifier, imageTimeSteps, networkOptions } from './spiking_transformer';
import { pruningOfBlocks, type TokenPruning, tokenPruningOptions } from './token_pruning';
import {
  attentionEntries,
  type LayerNames,
  type LayerPlace,
  lookup,
  mapBN,
  named,
  type Shapes,
  type Sizes,
  type TorchEntry,
} from './torch_names';

/** Options of `qkformer`. */
export interface QKFormerConfig extends NeuronOptions, TokenPruning {
  /** `[height, width, channels]`: an image, presented at every time step; or `[time, height, width, channels]`: events. */
  inputShape: number[];
  numClasses: number;
  /**
   * Channels per token in the last stage: a multiple of 8, or of 16 for events; each earlier stage has half as many.
   */
  embedDim: number;
  /**
   * Number of blocks in all stages: 1, 1 and the rest for patches of 4 pixels; 1, 2 and the rest for 16; for events 1
   * and 1.
   */
  depth: number;
  /** Heads of every stage. Default 8. */
  numHeads?: number;
  /** Width of an MLP's hidden layer, as a multiple of its input's. Default 4. */
  mlpRatio?: number;
  /** Default 4 for images; for events it is inputShape[0]. */
  timeSteps?: number;
  /** Side of a last-stage token in pixels: 4 (default) or, as for ImageNet and events, 16. */
  patchSize?: number;
  /** Factor on the product of full attention. Default 0.125. */
  scale?: number;
  /** Threshold of the neuron inside attention. Default 0.5. */
  attnVThreshold?: number;
  /**
   * What the last neuron of full attention integrates over: 'time' (default, as in the paper) or 'released': time and
   * batch, as in the published code. With 'released' a sample's logits depend on its neighbors in the batch.
   */
  projLifAxis?: 'time' | 'released';
  /** The model's name. */
  name?: string;
}

const { order: _, ...shared } = networkOptions;
const options = {
  ...shared,
  patchSize: { type: 'integer', oneOf: [4, 16], default: 4 },
  projLifAxis: { type: 'string', oneOf: ['time', 'released'], default: 'time' },
  ...tokenPruningOptions,
  ...neuronOptions,
} satisfies NetworkOptions;

/** A stage: how its channels are reached, and how many blocks with which attention follow. */
interface Stage {
  embed: Pick<SpedsConfig, 'stages' | 'shortcutFrom'>;
  attention: 'token' | 'full';
  blocks: number;
}

const conv = (filters: number) => ({ filters, pool: false });
const pooled = (filters: number) => ({ filters, pool: true });

/** The three forms of the published code, selected by input and patches. */
function stagesOf({ inputShape, embedDim: d, depth, patchSize = 4 }: QKFormerConfig): Stage[] {
  const later = (width: number) => ({ stages: [conv(width), pooled(width)] });
  if (inputShape.length === 4) {
    const first = [conv(d / 16), pooled(d / 8), pooled(d / 4), pooled(d / 2)];
    return [
      { embed: { stages: first, shortcutFrom: 2 }, attention: 'token', blocks: 1 },
      { embed: later(d), attention: 'full', blocks: depth - 1 },
    ];
  }
  if (patchSize === 16) {
    const first = [pooled(d / 8), pooled(d / 4), conv(d / 4)];
    const later = (width: number) => ({ stages: [pooled(width), conv(width)] });
    return [
      { embed: { stages: first, shortcutFrom: 1 }, attention: 'token', blocks: 1 },
      { embed: later(d / 2), attention: 'token', blocks: 2 },
      { embed: later(d), attention: 'full', blocks: depth - 3 },
    ];
  }
  const first = [conv(d / 8), conv(d / 4)];
  return [
    { embed: { stages: first, shortcutFrom: 1 }, attention: 'token', blocks: 1 },
    { embed: later(d / 2), attention: 'token', blocks: 1 },
    { embed: later(d), attention: 'full', blocks: depth - 2 },
  ];
}

function checkSizes(config: QKFormerConfig): void {
  const { embedDim, numHeads = options.numHeads.default, inputShape, depth } = config;
  const events = inputShape.length === 4;
  const [first, ...more] = stagesOf(config);
  const least = more.slice(0, -1).reduce((sum, { blocks }) => sum + blocks, first!.blocks) + 1;
  if (events ? depth !== 2 : depth < least) {
    throw invalid('depth', events ? '2 for events' : `at least ${least}`, depth);
  }
  const multiple = events ? 16 : 8;
  if (embedDim % multiple !== 0) throw invalid('embedDim', `a multiple of ${multiple}`, embedDim);
  const narrow = first!.embed.stages.at(-1)!.filters;
  if (narrow % numHeads !== 0) {
    throw invalid('numHeads', `a divisor of the ${narrow} channels of the first stage`, numHeads);
  }
}

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`.
 *
 * ```ts
 * const model = spiking.models.qkformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64, depth: 3 });
 * ```
 */
export function qkformer(config: QKFormerConfig): tf.LayersModel {
  checkKeys('qkformer', config, Object.keys(options));
  const time = imageTimeSteps(config);
  for (const [key, option] of Object.entries<NetworkOptions[string]>(options)) {
    checkOption(key, config[key as keyof QKFormerConfig], option);
  }
  checkSizes(config);
  const { numHeads = options.numHeads.default } = config;
  const neurons = pick(config, neuronOptionKeys);
  const blockKeys = ['mlpRatio', 'scale', 'attnVThreshold', 'projLifAxis', ...neuronOptionKeys];
  const blockConfig = { ...pick(config, blockKeys), numHeads } as QKFormerBlockConfig;
  const pruning = pruningOfBlocks(config, config.depth);
  const layers = stagesOf(config).flatMap(({ embed, attention, blocks }, i) => [
    speds({ name: `embed${i + 1}`, ...embed, ...(i === 0 && { timeSteps: time }), ...neurons }),
    ...pruning
      .splice(0, blocks)
      .map((kept, j) =>
        qkFormerBlock({ ...blockConfig, ...kept, name: `stage${i + 1}_block${j + 1}`, attention }),
      ),
  ]);
  return classifier(config, layers);
}

const images = { depth: 4, embedDim: 384, numHeads: 8 };
const events = { depth: 2, embedDim: 256, numHeads: 16 };

/** The paper's networks; those for DVS128 have the MLP of the published code. */
const presets = {
  'qkformer-4-384-cifar10': { ...cifar10, ...images },
  'qkformer-4-384-cifar100': { ...cifar100, ...images },
  'qkformer-10-384-imagenet': { ...imagenet, depth: 10, embedDim: 384, numHeads: 6 },
  'qkformer-10-512-imagenet': { ...imagenet, depth: 10, embedDim: 512, numHeads: 8 },
  'qkformer-10-768-imagenet': { ...imagenet, depth: 10, embedDim: 768, numHeads: 12 },
  'qkformer-2-256-cifar10dvs': { ...cifar10dvs, ...events, mlpRatio: 1 },
  'qkformer-2-256-dvs128': { ...dvs128, ...events, mlpRatio: 4 },
} satisfies Record<string, QKFormerConfig>;

/** The names of the presets. */
export type QKFormerPreset = keyof typeof presets;

const isEmbed = (layer: tf.layers.Layer) => layer.getClassName() === 'Speds';

/** Whether it is the ImageNet code: its first embedding has three convolutions, and some parts have other names. */
function isImageNet(layers: readonly tf.layers.Layer[]): boolean {
  const stages = layers.find(isEmbed)?.getConfig().stages as unknown[] | undefined;
  return stages?.length === 3;
}

/** The stage of the network that a layer belongs to, from 1. */
const stageOf = ({ before = [] }: LayerPlace) => before.filter(isEmbed).length;

const embedEntries: LayerNames = (layer, place) => {
  const get = lookup(layer);
  const { length } = layer.getConfig().stages as unknown[];
  const stage = stageOf(place) + 1;
  const later = place.events ? ['proj', 'proj4'] : ['proj3', 'proj4'];
  const names = stage === 1 ? ['proj', 'proj1', 'proj2', 'proj3'].slice(0, length) : later;
  const key = (name: string) => named(`patch_embed${stage}.${name}`, 4);
  return [
    ...names.flatMap((name, i) => mapBN(key(name), `stage${i + 1}/conv_bn`, get)),
    ...mapBN(key('proj_res'), 'shortcut', get),
  ];
};

const blockEntries: LayerNames = (layer, place) => {
  const { before = [] } = place;
  const index = [...before].reverse().findIndex(isEmbed);
  const key = `stage${stageOf(place)}.${index}`;
  const imageNet = isImageNet(before);
  const full = layer.getConfig().attention === 'full';
  const attention = full ? (imageNet ? 'attn' : 'ssa') : 'tssa';
  const mlp = imageNet ? 'fc' : 'mlp';
  const get = lookup(layer);
  return [
    ...attentionEntries(layer, 3, `${key}.${attention}.`, 'attn/', full ? 'qkv' : 'qk'),
    ...[1, 2].flatMap((n) => mapBN(named(`${key}.mlp.${mlp}${n}`, 4), `mlp/fc${n}`, get, true)),
  ];
};

/** In the code for images, with three stages, all embeddings come before all blocks. */
function embeddingsFirst(entries: TorchEntry[]): TorchEntry[] {
  if (!entries.some(({ key }) => key.startsWith('patch_embed3.'))) return entries;
  const isEmbedding = ({ key }: TorchEntry) => key.startsWith('patch_embed');
  return [...entries.filter(isEmbedding), ...entries.filter((entry) => !isEmbedding(entry))];
}

function sizes(shapes: Shapes): Sizes | string {
  const keys = Object.keys(shapes);
  const [numClasses, embedDim] = shapes['head.weight']?.shape ?? [];
  const blocks = keys.map((key) => /^stage\d+\.\d+\./.exec(key)?.[0]).filter(Boolean);
  const mlp = keys.find((key) => /^stage1\.0\.mlp\.(mlp|fc)1_conv\.weight$/.test(key));
  const channels = shapes['patch_embed1.proj_conv.weight']?.shape[1];
  if (!numClasses || !embedDim) return 'it has no head.weight of two axes';
  if (!mlp) return 'it has no stage1.0.mlp';
  if (!channels) return 'it has no patch_embed1.proj_conv';
  const [hidden, width] = shapes[mlp]!.shape as [number, number];
  const depth = new Set(blocks).size;
  return { embedDim, depth, numClasses, mlpRatio: hidden / width, channels };
}

export const qkformerFamily: Family<QKFormerConfig> = {
  name: 'qkformer',
  options,
  create: qkformer,
  notes: ({ projLifAxis = 'time' }) => [
    projLifAxis === 'time'
      ? "projLifAxis 'time', as in the paper: the published weights were trained with 'released'"
      : "projLifAxis 'released', as in the published code: a sample's logits depend on its neighbors in the batch",
  ],
  presets,
  authors: {
    layers: {
      Speds: embedEntries,
      QKFormerBlock: blockEntries,
      QKAttention: (layer) => attentionEntries(layer, 3, '', '', 'qk'),
    },
    inOrder: embeddingsFirst,
    sizes,
    smallest: ({ inputShape, patchSize }) => {
      const least = patchSize === 16 ? 4 : 3;
      return {
        embedDim: 16,
        numHeads: 1,
        numClasses: 1,
        depth: inputShape.length === 4 ? 2 : least,
      };
    },
    laterBlocks: /^stage\d+\.(?!0\.)/,
    unused: /\.num_batches_tracked$/,
  },
};
