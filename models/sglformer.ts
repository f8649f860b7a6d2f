/** SGLFormer (Zhang et al., Frontiers in Neuroscience 2024, doi 10.3389/fnins.2024.1371290): local and global attention in one unit. */
import type * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/layer';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import {
  sglFormerGlobalBlock,
  sglFormerReadout,
  sglFormerTokenizer,
  sglFormerUnit,
} from '../layers/sglformer';
import { checkKeys, invalid } from '../lib/validate';
import { cifar10, cifar10dvs, cifar100, dvs128, imagenet } from './data_sets';
import type { Family } from './family';
import { checkOption, type NetworkOptions, neuronOptions } from './options';
import { sglformerCode } from './sglformer_names';
import { classifier, imageTimeSteps, networkOptions } from './spiking_transformer';

/** Options of `sglformer`. */
export interface SGLFormerConfig extends NeuronOptions {
  /** `[height, width, channels]`: an image, presented at every time step; or `[time, height, width, channels]`: events. */
  inputShape: number[];
  numClasses: number;
  /** Channels per token: a multiple of 4, at least 8, and of numHeads; in the ImageNet form a multiple of 8. */
  embedDim: number;
  /**
   * Number of units, each a local block, local attention, and global attention twice. In the ImageNet form a local unit
   * counts as two, and global blocks make up the rest: at least 3.
   */
  depth: number;
  /** Number of attention heads. Default 8. */
  numHeads?: number;
  /** Width of an MLP's hidden layer, as a multiple of its input's. Default 4. The local block always has 4. */
  mlpRatio?: number;
  /** Default 4 for images; for events it is inputShape[0]. */
  timeSteps?: number;
  /**
   * Side of a token in pixels: 4 (default) or 16. For images, 16 selects the ImageNet form, whose head takes the mean.
   */
  patchSize?: number;
  /**
   * Which four of the five convolutions pool in the ImageNet form: 'late' (default) the last, as in 8-384 and 8-512;
   * 'early' the first, as in the networks that the authors mark with a star.
   */
  pooling?: 'late' | 'early';
  /** Factor on attention's product. Default 0.125. */
  scale?: number;
  /** Threshold of the neuron inside attention. Default 0.5. */
  attnVThreshold?: number;
  /**
   * In the ImageNet form, what the last neuron of global attention and, with 'late' pooling, the first neuron of the
   * tokenizer integrate over: 'time' (default, as in the paper) or 'released': time and batch, as in the published
   * code. With 'released' a sample's logits depend on its neighbors in the batch.
   */
  projLifAxis?: 'time' | 'released';
  /** The model's name. */
  name?: string;
}

const { order: _, ...shared } = networkOptions;
const options = {
  ...shared,
  patchSize: { type: 'integer', oneOf: [4, 16], default: 4 },
  pooling: { type: 'string', oneOf: ['late', 'early'], default: 'late' },
  projLifAxis: { type: 'string', oneOf: ['time', 'released'], default: 'time' },
  ...neuronOptions,
} satisfies NetworkOptions;

/** Whether the published code for ImageNet applies, which differs from that for CIFAR and events. */
const isImageNet = ({ inputShape, patchSize }: { inputShape: number[]; patchSize?: unknown }) =>
  inputShape.length === 3 && patchSize === 16;

function checkSizes(config: SGLFormerConfig): void {
  const { embedDim, numHeads = options.numHeads.default, depth, mlpRatio = 4 } = config;
  const imageNet = isImageNet(config);
  if (imageNet && depth < 3) throw invalid('depth', 'at least 3', depth);
  const multiple = imageNet ? 8 : 4;
  if (embedDim % multiple !== 0 || embedDim < 8) {
    throw invalid('embedDim', `a multiple of ${multiple}, at least 8`, embedDim);
  }
  if (embedDim % numHeads !== 0) {
    throw invalid('numHeads', `a divisor of embedDim (${embedDim})`, numHeads);
  }
  if (!Number.isInteger(embedDim * mlpRatio)) {
    throw invalid(
      'mlpRatio',
      `a number whose product with the ${embedDim} channels is whole`,
      mlpRatio,
    );
  }
  if (imageNet) return;
  for (const [key, only] of Object.entries({ pooling: 'late', projLifAxis: 'time' })) {
    const value = config[key as 'pooling' | 'projLifAxis'] ?? only;
    if (value !== only) throw invalid(key, `'${only}' unless images have patchSize 16`, value);
  }
}

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`. Except in the ImageNet form, the readout
 * has a weight per token and time step, which fixes the image size and the time steps.
 *
 * ```ts
 * const model = spiking.models.sglformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64, depth: 1 });
 * ```
 */
export function sglformer(config: SGLFormerConfig): tf.LayersModel {
  checkKeys('sglformer', config, Object.keys(options));
  const timeSteps = imageTimeSteps(config);
  for (const [key, option] of Object.entries<NetworkOptions[string]>(options)) {
    checkOption(key, config[key as keyof SGLFormerConfig], option);
  }
  checkSizes(config);
  const { embedDim, depth, pooling = 'late', projLifAxis = 'time' } = config;
  const { patchSize = options.patchSize.default, numHeads = options.numHeads.default } = config;
  const imageNet = isImageNet(config);
  const neurons = pick(config, neuronOptionKeys);
  const blockKeys = ['mlpRatio', 'scale', 'attnVThreshold', ...neuronOptionKeys];
  const block = { ...pick(config, blockKeys), numHeads };
  const tokenizer = sglFormerTokenizer({
    name: 'tokenizer',
    ...{ embedDim, patchSize, pooling, timeSteps, ...neurons },
    stemRatio: imageNet ? 8 : 6,
    firstLifAxis: pooling === 'late' ? projLifAxis : 'time',
  });
  if (imageNet) {
    const blocks = Array.from({ length: depth - 2 }, (_, i) =>
      sglFormerGlobalBlock({ ...block, projLifAxis, name: `block${i + 1}` }),
    );
    const local = sglFormerUnit({ ...block, globals: 0, name: 'local' });
    return classifier(config, [tokenizer, local, ...blocks]);
  }
  const units = Array.from({ length: depth }, (_, i) =>
    sglFormerUnit({ ...block, name: `unit${i + 1}` }),
  );
  const readout = sglFormerReadout({ name: 'readout' });
  return classifier(config, [tokenizer, ...units], { readout });
}

const cifar = { depth: 1, embedDim: 384, numHeads: 16 };
const events = { depth: 1, embedDim: 256, numHeads: 16 };

/** The paper's networks; '-early-pool' and 8-768 are those that its authors mark with a star. */
const presets = {
  'sglformer-4-384-cifar10': { ...cifar10, ...cifar },
  'sglformer-4-384-cifar100': { ...cifar100, ...cifar },
  'sglformer-8-384-imagenet': { ...imagenet, depth: 8, embedDim: 384, numHeads: 6 },
  'sglformer-8-512-imagenet': { ...imagenet, depth: 8, embedDim: 512, numHeads: 8 },
  'sglformer-8-512-imagenet-early-pool': {
    ...{ ...imagenet, depth: 8, embedDim: 512, numHeads: 8 },
    pooling: 'early',
  },
  'sglformer-8-768-imagenet': {
    ...{ ...imagenet, depth: 8, embedDim: 768, numHeads: 12 },
    pooling: 'early',
  },
  'sglformer-3-256-cifar10dvs': { ...cifar10dvs, ...events },
  'sglformer-3-256-dvs128': { ...dvs128, ...events },
} satisfies Record<string, SGLFormerConfig>;

/** The names of the presets. */
export type SGLFormerPreset = keyof typeof presets;

function notes(config: SGLFormerConfig): string[] {
  if (!isImageNet(config)) return [];
  const { pooling = 'late', projLifAxis = 'time' } = config;
  return [
    `pooling '${pooling}': the weights have the same names and shapes with '${pooling === 'late' ? 'early' : 'late'}'`,
    projLifAxis === 'time'
      ? "projLifAxis 'time', as in the paper: the published weights were trained with 'released'"
      : "projLifAxis 'released', as in the published code: a sample's logits depend on its neighbors in the batch",
  ];
}

export const sglformerFamily: Family<SGLFormerConfig> = {
  name: 'sglformer',
  options,
  create: sglformer,
  notes,
  presets,
  authors: {
    ...sglformerCode,
    smallest: (config) => ({
      embedDim: 8,
      depth: isImageNet(config) ? 3 : 1,
      numHeads: 1,
      numClasses: 1,
    }),
  },
};
