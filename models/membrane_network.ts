/**
 * What Max-Former and MS-QKFormer (Fang et al., NeurIPS 2025, arXiv 2505.18608) share: stages of an embedding and
 * blocks with membrane shortcuts, neurons behind the mean over tokens, and a head before the mean over time.
 */
import type * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/layer';
import { lifNode } from '../layers/lif_node';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import type { MembraneEmbedConfig } from '../layers/parts/membrane_embed';
import type { ResidualBlockConfig } from '../layers/parts/residual_block';
import { tokenMean } from '../layers/token_mean';
import { checkKeys, invalid } from '../lib/validate';
import { cifar10, cifar10dvs, cifar100, dvs128, imagenet } from './data_sets';
import { checkOption, type NetworkOptions, neuronOptions } from './options';
import { classifier, imageTimeSteps, networkOptions } from './spiking_transformer';

/** Options of `maxformer` and `msQkformer`. */
export interface MembraneNetworkConfig extends NeuronOptions {
  /** `[height, width, channels]`: an image, presented at every time step; or `[time, height, width, channels]`: events. */
  inputShape: number[];
  numClasses: number;
  /**
   * Channels per token in the last stage: a multiple of 8, or of 16 for events; each earlier stage has half as many.
   */
  embedDim: number;
  /** Number of blocks per stage. Default [1, 1, 2] for patches of 4 pixels, [1, 2, 7] for 16, [1, 1] for events. */
  depths?: number[];
  /** Heads of every attention. Default 8 for patches of 4 pixels, embedDim / 64 for 16, 16 for events. */
  numHeads?: number;
  /** Width of an MLP's hidden layer, as a multiple of its input's. Default 4. */
  mlpRatio?: number;
  /** Default 4 for images; for events it is inputShape[0]. */
  timeSteps?: number;
  /** Side of a last-stage token in pixels: 4 (default) or, as for ImageNet and events, 16. */
  patchSize?: number;
  /** Factor on the product of full attention. Default 0.125. */
  scale?: number;
  /** Threshold of attention's own neuron. Default 0.5. */
  attnVThreshold?: number;
  /** The model's name. */
  name?: string;
}

const { order: _, depth: __, ...shared } = networkOptions;
export const membraneOptions = {
  ...shared,
  depths: { type: 'integers', max: 128 },
  numHeads: { type: 'integer', max: 1024 },
  patchSize: { type: 'integer', oneOf: [4, 16], default: 4 },
  ...neuronOptions,
} satisfies NetworkOptions;

/** The three forms of the published code. */
export type Form = 'cifar' | 'imagenet' | 'events';

type InputOf = Pick<MembraneNetworkConfig, 'inputShape' | 'patchSize'>;

export function formOf({
  inputShape,
  patchSize = membraneOptions.patchSize.default,
}: InputOf): Form {
  if (inputShape.length === 4) return 'events';
  return patchSize === 16 ? 'imagenet' : 'cifar';
}

const depths: Record<Form, number[]> = { cifar: [1, 1, 2], imagenet: [1, 2, 7], events: [1, 1] };

/** One block per stage. */
export const shallowest = (config: InputOf) => depths[formOf(config)].map(() => 1);

/** The number of heads of every attention in the authors' code. */
export function authorsHeads(form: Form, embedDim: number): number {
  if (form === 'imagenet') return Math.max(1, Math.floor(embedDim / 64));
  return form === 'events' ? 16 : 8;
}

type EmbedForm = Pick<MembraneEmbedConfig, 'stages' | 'shortcutFrom' | 'shortcutDownsample'>;

/** A convolution with that many filters, and what halves the image there. */
export const conv = (filters: number) => ({ filters, downsample: 'none' as const });
export const pooled = (filters: number) => ({ filters, downsample: 'pool' as const });
export const strided = (filters: number) => ({ filters, downsample: 'stride' as const });

/** The first embedding of both families by embedDim, except for ImageNet's. */
export const firstEmbed = {
  cifar: (d: number): EmbedForm => ({ stages: [conv(d / 8), conv(d / 4)], shortcutFrom: 1 }),
  events: (d: number): EmbedForm => ({
    stages: [conv(d / 16), pooled(d / 8), pooled(d / 4), pooled(d / 2)],
    shortcutFrom: 2,
  }),
};

export interface Stage {
  embed: EmbedForm;
  block(config: ResidualBlockConfig): tf.layers.Layer;
  /** Whether its blocks have heads. */
  hasHeads: boolean;
}

export interface MembraneFamily {
  /** The name of its function. */
  name: string;
  stages: Record<Form, (embedDim: number) => Stage[]>;
  embed(config: MembraneEmbedConfig): tf.layers.Layer;
}

/** The configuration, checked and completed with what its form determines. */
function resolve(config: MembraneNetworkConfig, stages: readonly Stage[]) {
  const { embedDim, mlpRatio = membraneOptions.mlpRatio.default } = config;
  const form = formOf(config);
  const { depths: blocks = depths[form], numHeads = authorsHeads(form, embedDim) } = config;
  if (blocks.length !== stages.length) {
    throw invalid('depths', `of ${stages.length} stages`, blocks);
  }
  const multiple = form === 'events' ? 16 : 8;
  if (embedDim % multiple !== 0) throw invalid('embedDim', `a multiple of ${multiple}`, embedDim);
  const widthOf = ({ embed }: Stage) => embed.stages.at(-1)!.filters;
  const narrow = widthOf(stages.find(({ hasHeads }) => hasHeads)!);
  if (narrow % numHeads !== 0) {
    throw invalid(
      'numHeads',
      `a divisor of the ${narrow} channels of the first stage that has them`,
      numHeads,
    );
  }
  const first = widthOf(stages[0]!);
  if (!Number.isInteger(first * mlpRatio)) {
    throw invalid(
      'mlpRatio',
      `a number whose product with the ${first} channels is whole`,
      mlpRatio,
    );
  }
  return { blocks, numHeads, mlpRatio };
}

/** A whole network of that family: `[batch, ...inputShape]` -> logits `[batch, numClasses]`. */
export function membraneNetwork(
  config: MembraneNetworkConfig,
  { name, stages: stagesOf, embed: makeEmbed }: MembraneFamily,
): tf.LayersModel {
  checkKeys(name, config, Object.keys(membraneOptions));
  const timeSteps = imageTimeSteps(config);
  for (const [key, option] of Object.entries<NetworkOptions[string]>(membraneOptions)) {
    checkOption(key, config[key as keyof MembraneNetworkConfig], option);
  }
  const stages = stagesOf[formOf(config)](config.embedDim);
  const { blocks, ...sizes } = resolve(config, stages);
  const neurons = pick(config, neuronOptionKeys);
  const blockConfig = { ...pick(config, ['scale', 'attnVThreshold']), ...sizes, ...neurons };
  const layers = stages.flatMap(({ embed, block }, i) => {
    const input = i === 0 ? { encodes: true, timeSteps } : {};
    return [
      makeEmbed({ name: `embed${i + 1}`, ...embed, ...input, ...neurons }),
      ...Array.from({ length: blocks[i]! }, (_, j) =>
        block({ ...blockConfig, name: `stage${i + 1}_block${j + 1}` }),
      ),
    ];
  });
  // The code for CIFAR and events takes the mean over time before the linear head: equal up to rounding.
  const ends = [tokenMean({ name: 'tokens' }), lifNode({ name: 'head_lif', ...neurons })];
  return classifier(config, [...layers, ...ends], { headFirst: true });
}

const images = { embedDim: 384, depths: [...depths.cifar], numHeads: 8 };
const events = { embedDim: 256, depths: [...depths.events], numHeads: 16, mlpRatio: 1 };
const large = (embedDim: number) => ({
  ...imagenet,
  ...{ embedDim, depths: [...depths.imagenet], numHeads: embedDim / 64 },
});

/** The networks of the published code, alike for both families, without their names. */
const published = {
  '4-384-cifar10': { ...cifar10, ...images },
  '4-384-cifar100': { ...cifar100, ...images },
  '10-384-imagenet': large(384),
  '10-512-imagenet': large(512),
  '10-768-imagenet': large(768),
  '2-256-cifar10dvs': { ...cifar10dvs, ...events },
  '2-256-dvs128': { ...dvs128, ...events },
} satisfies Record<string, MembraneNetworkConfig>;

/** The names of a family's presets. */
export type MembranePreset<Name extends string> = `${Name}-${keyof typeof published}`;

/** The presets of a family. */
export function membranePresets(family: string): Record<string, MembraneNetworkConfig> {
  const named = Object.entries(published).map(([name, config]) => [`${family}-${name}`, config]);
  return Object.fromEntries(named);
}
