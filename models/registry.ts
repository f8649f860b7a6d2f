/** The paper's networks by name: `create('spikingformer-4-384-cifar10')`, as timm's create_model. */
import type * as tf from '@tensorflow/tfjs';
import { show } from '../lib/validate';
import { type SpikingformerConfig, spikingformer } from './spikingformer';

/** What a data set decides. */
interface DataSet {
  inputShape: number[];
  numClasses: number;
  patchSize: number;
  tau?: number;
}

const dataSets = {
  cifar10: { inputShape: [32, 32, 3], numClasses: 10, patchSize: 4 },
  cifar100: { inputShape: [32, 32, 3], numClasses: 100, patchSize: 4 },
  imagenet: { inputShape: [224, 224, 3], numClasses: 1000, patchSize: 16 },
  cifar10dvs: { inputShape: [16, 128, 128, 2], numClasses: 10, patchSize: 16, tau: 1.75 },
  dvs128: { inputShape: [16, 128, 128, 2], numClasses: 11, patchSize: 16, tau: 1.75 },
} satisfies Record<string, DataSet>;

/** Depth, width and heads of each network in the paper, by data set. */
const sizes: [dataSet: keyof typeof dataSets, depth: number, embedDim: number, numHeads: number][] =
  [
    ['cifar10', 4, 256, 8],
    ['cifar10', 2, 384, 12],
    ['cifar10', 4, 384, 12],
    ['cifar100', 4, 256, 8],
    ['cifar100', 2, 384, 8],
    ['cifar100', 4, 384, 8],
    ['imagenet', 8, 384, 8],
    ['imagenet', 8, 512, 8],
    ['imagenet', 8, 768, 8],
    ['cifar10dvs', 2, 256, 16],
    ['dvs128', 2, 256, 16],
  ];

const presets = new Map<string, SpikingformerConfig>(
  sizes.map(([dataSet, depth, embedDim, numHeads]) => [
    `spikingformer-${depth}-${embedDim}-${dataSet}`,
    { ...dataSets[dataSet], depth, embedDim, numHeads },
  ]),
);

/** The names that `create` knows: family, depth, width and data set. */
export function list(): string[] {
  return [...presets.keys()];
}

/** A preset's configuration, with the caller's changes. Other time steps of an event network change its inputShape. */
export function presetConfig(
  name: string,
  overrides: Partial<SpikingformerConfig> = {},
): SpikingformerConfig {
  const preset = presets.get(name);
  if (!preset) {
    throw new Error(`There is no model ${show(name)}; models.list() has ${list().join(', ')}`);
  }
  const config = { ...preset, ...overrides };
  const { timeSteps } = overrides;
  if (timeSteps !== undefined && !overrides.inputShape && preset.inputShape.length === 4) {
    config.inputShape = [timeSteps, ...preset.inputShape.slice(1)];
  }
  return config;
}

/**
 * One of the paper's networks, with fresh weights.
 *
 * ```ts
 * const model = spiking.models.create('spikingformer-4-256-cifar10', { timeSteps: 2 });
 * ```
 */
export function create(name: string, overrides?: Partial<SpikingformerConfig>): tf.LayersModel {
  return spikingformer(presetConfig(name, overrides));
}
