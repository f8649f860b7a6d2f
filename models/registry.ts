/** The paper's networks and its baselines by name: `create('spikingformer-4-384-cifar10')`, as timm's create_model. */
import type * as tf from '@tensorflow/tfjs';
import { show } from '../lib/validate';
import { type SpikformerConfig, spikformer } from './spikformer';
import { spikingformer } from './spikingformer';

/** Any preset's configuration; only a Spikformer takes `projection`. */
export type ModelConfig = SpikformerConfig;

type Family = 'spikingformer' | 'spikformer';
const families: Record<Family, (config: ModelConfig) => tf.LayersModel> = {
  spikingformer,
  spikformer,
};

/** What a data set decides. */
const dataSets = {
  cifar10: { inputShape: [32, 32, 3], numClasses: 10, patchSize: 4 },
  cifar100: { inputShape: [32, 32, 3], numClasses: 100, patchSize: 4 },
  imagenet: { inputShape: [224, 224, 3], numClasses: 1000, patchSize: 16 },
  cifar10dvs: { inputShape: [16, 128, 128, 2], numClasses: 10, patchSize: 16 },
  dvs128: { inputShape: [16, 128, 128, 2], numClasses: 11, patchSize: 16 },
};
type DataSet = keyof typeof dataSets;

/** Depth, width and heads of each network, by data set; Spikformer's heads where they differ. */
const sizes: [DataSet, depth: number, embedDim: number, numHeads: number, spikformer?: number][] = [
  ['cifar10', 4, 256, 8],
  ['cifar10', 2, 384, 12],
  ['cifar10', 4, 384, 12],
  ['cifar100', 4, 256, 8],
  ['cifar100', 2, 384, 8, 12],
  ['cifar100', 4, 384, 8, 12],
  ['imagenet', 8, 384, 8],
  ['imagenet', 8, 512, 8],
  ['imagenet', 8, 768, 8],
  ['cifar10dvs', 2, 256, 16],
  ['dvs128', 2, 256, 16],
];

/** What the authors' files of a family say for a data set, where it is not the default. */
function special(family: Family, dataSet: DataSet, cml: boolean): Partial<ModelConfig> {
  const events = dataSets[dataSet].inputShape.length === 4;
  if (family === 'spikingformer') return events ? { tau: cml ? 1.75 : 1.5 } : {};
  if (events) return { projection: 'conv', scale: 0.25 };
  return dataSet === 'imagenet' ? { projection: 'conv' } : {};
}

const presets = new Map<string, { family: Family; config: ModelConfig }>();
for (const family of ['spikingformer', 'spikformer'] as const) {
  for (const cml of [true, false]) {
    for (const [dataSet, depth, embedDim, heads, spikformerHeads = heads] of sizes) {
      const numHeads = family === 'spikformer' ? spikformerHeads : heads;
      presets.set(`${family}-${depth}-${embedDim}-${dataSet}${cml ? '' : '-no-cml'}`, {
        family,
        config: {
          ...dataSets[dataSet],
          depth,
          embedDim,
          numHeads,
          ...special(family, dataSet, cml),
          ...(cml ? {} : { order: 'conv-bn-lif-pool' }),
        },
      });
    }
  }
}

/** The names that `create` knows: family, depth, width and data set; those before CML end in '-no-cml'. */
export function list(): string[] {
  return [...presets.keys()];
}

function presetOf(name: string) {
  const preset = presets.get(name);
  if (!preset) {
    throw new Error(`There is no model ${show(name)}; models.list() has ${list().join(', ')}`);
  }
  return preset;
}

/** A preset's configuration, with the caller's changes. Other time steps of an event network change its inputShape. */
export function presetConfig(name: string, overrides: Partial<ModelConfig> = {}): ModelConfig {
  const { config: preset } = presetOf(name);
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
export function create(name: string, overrides?: Partial<ModelConfig>): tf.LayersModel {
  return families[presetOf(name).family](presetConfig(name, overrides));
}
