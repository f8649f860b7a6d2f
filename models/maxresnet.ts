/**
 * Max-ResNet (Fang et al., NeurIPS 2025, arXiv 2505.18608): a residual network with membrane shortcuts that pools
 * before neurons fire.
 */
import type * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/layer';
import { lifNode } from '../layers/lif_node';
import { maxResNetBlock, maxResNetStem } from '../layers/maxresnet';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import { tokenMean } from '../layers/token_mean';
import { checkKeys, invalid } from '../lib/validate';
import { cifar10, cifar100 } from './data_sets';
import type { Family } from './family';
import { checkOption, type NetworkOptions, neuronOptions } from './options';
import { classifier, imageTimeSteps, networkOptions } from './spiking_transformer';
import {
  type LayerNames,
  lookup,
  mapBN,
  type Shapes,
  type Sizes,
  type TorchEntry,
} from './torch_names';

/** Options of `maxResnet`. */
export interface MaxResNetConfig extends NeuronOptions {
  /** `[height, width, channels]`: an image, presented at every time step; or `[time, height, width, channels]`: events. */
  inputShape: number[];
  numClasses: number;
  /**
   * Channels of the last stage, a multiple of 8; each earlier stage has half as many, and the first convolution an
   * eighth.
   */
  embedDim: number;
  /** Number of blocks in each of the three stages. Default [3, 3, 2], which makes 18 layers with weights. */
  depths?: number[];
  /** Default 4 for images; for events it is inputShape[0]. */
  timeSteps?: number;
  /** The model's name. */
  name?: string;
}

const { inputShape, numClasses, timeSteps, embedDim, name } = networkOptions;
const options = {
  ...{ inputShape, numClasses, timeSteps, embedDim, name },
  depths: { type: 'integers', max: 128 },
  ...neuronOptions,
} satisfies NetworkOptions;

const publishedDepths = [3, 3, 2];

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`.
 *
 * ```ts
 * const model = spiking.models.maxResnet({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64 });
 * ```
 */
export function maxResnet(config: MaxResNetConfig): tf.LayersModel {
  checkKeys('maxResnet', config, Object.keys(options));
  const timeSteps = imageTimeSteps(config);
  for (const [key, option] of Object.entries<NetworkOptions[string]>(options)) {
    checkOption(key, config[key as keyof MaxResNetConfig], option);
  }
  const { embedDim, depths = publishedDepths } = config;
  if (depths.length !== publishedDepths.length) throw invalid('depths', 'of 3 stages', depths);
  if (embedDim % 8 !== 0) throw invalid('embedDim', 'a multiple of 8', embedDim);
  const neurons = pick(config, neuronOptionKeys);
  const blocks = depths.flatMap((depth, i) =>
    Array.from({ length: depth }, (_, j) => {
      const sizes = { filters: embedDim / 2 ** (2 - i), pool: i > 0 && j === 0 };
      return maxResNetBlock({ name: `stage${i + 1}_block${j + 1}`, ...sizes, ...neurons });
    }),
  );
  const stem = maxResNetStem({ name: 'stem', filters: embedDim / 8, timeSteps });
  const ends = [lifNode({ name: 'head_lif', ...neurons }), tokenMean({ name: 'tokens' })];
  return classifier(config, [stem, ...blocks, ...ends], { headFirst: true });
}

const blockEntries: LayerNames = (layer, { before = [] }) => {
  const blocks = [...before, layer].filter((one) => one.getClassName() === 'MaxResNetBlock');
  const widths = blocks.map((block) => block.getConfig().filters as number);
  const stage = widths.filter((width, i) => width !== widths[i - 1]).length;
  const index = widths.length - 1 - widths.indexOf(widths.at(-1)!);
  const key = `layer${stage}.${index}`;
  const get = lookup(layer);
  const map = (conv: string, bn: string, path: string) =>
    mapBN({ map: `${key}.${conv}`, bn: `${key}.${bn}`, rank: 4 }, path, get);
  const projects = layer.weights.some(({ originalName }) =>
    originalName.endsWith('shortcut/kernel'),
  );
  return [
    ...map('conv1', 'bn1', 'conv1'),
    ...map('conv2', 'bn2', 'conv2'),
    ...(projects ? map('downsample.1', 'downsample.2', 'shortcut') : []),
  ];
};

/** The head has another name. */
const headAsFc1 = (entries: TorchEntry[]) =>
  entries.map((entry) => ({ ...entry, key: entry.key.replace(/^head\./, 'fc1.') }));

function sizes(shapes: Shapes): Sizes | string {
  const [numClasses, embedDim] = shapes['fc1.weight']?.shape ?? [];
  const channels = shapes['conv1.weight']?.shape[1];
  if (!numClasses || !embedDim) return 'it has no fc1.weight of two axes';
  if (!channels) return 'it has no conv1';
  const isOf = (stage: number) => (key: string) =>
    key.startsWith(`layer${stage}.`) && key.endsWith('.conv1.weight');
  const depths = publishedDepths.map((_, i) => Object.keys(shapes).filter(isOf(i + 1)).length);
  return { embedDim, depths, numClasses, channels };
}

const sizesOf18 = { embedDim: 512, depths: [...publishedDepths] };
const dataOf = ({ inputShape, numClasses }: typeof cifar10) => ({ inputShape, numClasses });

const presets = {
  'maxresnet-18-cifar10': { ...dataOf(cifar10), ...sizesOf18 },
  'maxresnet-18-cifar100': { ...dataOf(cifar100), ...sizesOf18 },
} satisfies Record<string, MaxResNetConfig>;

/** The names of the presets. */
export type MaxResNetPreset = keyof typeof presets;

export const maxresnetFamily: Family<MaxResNetConfig> = {
  name: 'maxresnet',
  options,
  create: maxResnet,
  presets,
  authors: {
    layers: {
      MaxResNetStem: (stem) => mapBN({ map: 'conv1', bn: 'bn1', rank: 4 }, 'conv_bn', lookup(stem)),
      MaxResNetBlock: blockEntries,
    },
    inOrder: headAsFc1,
    sizes,
    smallest: () => ({ embedDim: 8, depths: [1, 1, 1], numClasses: 1 }),
    laterBlocks: /^layer\d+\.(?!0\.)/,
    unused: /\.num_batches_tracked$/,
  },
};
