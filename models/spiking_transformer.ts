/** What spiking transformers share: a tokenizer, blocks of attention and MLP, a rate readout, a linear head. */
import * as tf from '@tensorflow/tfjs';
import { type DownsampleOrder, downsampleOrders } from '../layers/cml_downsample';
import { normalKernel } from '../layers/initializers';
import { pick } from '../layers/layer';
import { type NeuronOptions, neuronOptionKeys } from '../layers/neuron_options';
import type { PruningBlockConfig } from '../layers/parts/pruning_block';
import type { TokenizerConfig } from '../layers/parts/stages';
import { rateReadout } from '../layers/rate_readout';
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';
import { checkOption, type NetworkOptions } from './options';
import { pruningOfBlocks, type TokenPruning, tokenPruningOptions } from './token_pruning';
import { transformerSizes } from './torch_names';

export interface NetworkConfig extends NeuronOptions, TokenPruning {
  /** `[height, width, channels]`: an image, presented at every time step; or `[time, height, width, channels]`: events. */
  inputShape: number[];
  numClasses: number;
  /** Channels per token, a multiple of 8 and of numHeads. */
  embedDim: number;
  /** Number of blocks. */
  depth: number;
  /** Number of attention heads. Default 8. */
  numHeads?: number;
  /** Width of an MLP's hidden layer, as a multiple of its input's. Default 4. */
  mlpRatio?: number;
  /** Default 4 for images; for events it is inputShape[0]. */
  timeSteps?: number;
  /** Side of a token in pixels: 4 (default), 8 or 16. */
  patchSize?: number;
  /** 'conv-bn-pool-lif' (CML, the default) or 'conv-bn-lif-pool' (the earlier order). */
  order?: DownsampleOrder;
  /** Factor on attention's product. Default 0.125. */
  scale?: number;
  /** Threshold of the neurons after attention's product. Default 0.5. */
  attnVThreshold?: number;
  /** The model's name. */
  name?: string;
}

/** The network's options, in the order in which they are checked; layers check the last of them. */
export const networkOptions = {
  inputShape: { type: 'shape', required: true, recipe: false },
  numClasses: { type: 'integer', required: true, recipe: false },
  depth: { type: 'integer', required: true, max: 128 },
  timeSteps: { type: 'integer', default: 4, max: 1024 },
  patchSize: { type: 'integer', oneOf: [4, 8, 16], default: 4 },
  embedDim: { type: 'integer', required: true, max: 8192 },
  numHeads: { type: 'integer', default: 8, max: 1024 },
  mlpRatio: { type: 'positive', default: 4, max: 64 },
  order: { type: 'string', oneOf: downsampleOrders, default: 'conv-bn-pool-lif' },
  scale: { type: 'positive', default: 0.125 },
  attnVThreshold: { type: 'positive', default: 0.5 },
  name: { type: 'string', recipe: false },
} satisfies NetworkOptions;

/** What a family contributes: its options and its layers. */
export interface NetworkParts {
  tokenizer(config: TokenizerConfig): tf.layers.Layer;
  block(config: PruningBlockConfig): tf.layers.Layer;
  /** Options that only this family has; they go to its blocks. */
  blockOptions?: NetworkOptions;
}

/** How many time steps the tokenizer adds to an image; null for events, which have their own. */
export function imageTimeSteps({
  inputShape,
  timeSteps,
}: Pick<NetworkConfig, 'inputShape' | 'timeSteps'>): number | null {
  if (!Array.isArray(inputShape) || (inputShape.length !== 3 && inputShape.length !== 4)) {
    throw invalid(
      'inputShape',
      '[height, width, channels] or [time, height, width, channels]',
      inputShape,
    );
  }
  for (const [i, n] of inputShape.entries()) checkPositiveInteger(`inputShape[${i}]`, n);
  if (inputShape.length === 3) return timeSteps ?? networkOptions.timeSteps.default;
  if (timeSteps !== undefined && timeSteps !== inputShape[0]) {
    throw invalid(
      'timeSteps',
      `inputShape[0] (${inputShape[0]}), the time steps of the events`,
      timeSteps,
    );
  }
  return null;
}

interface ClassifierOptions {
  headFirst?: boolean;
  readout?: tf.layers.Layer;
  dtype?: tf.DataType;
}

/**
 * The network of these layers, which are not built yet: then a readout (default: of rates) and a linear head or, with
 * headFirst, the head and then the readout. It has no head if numClasses is null. `dtype` is the input's.
 */
export function classifier(
  config: Pick<NetworkConfig, 'inputShape' | 'name'> & { numClasses: number | null },
  layers: readonly tf.layers.Layer[],
  options: ClassifierOptions = {},
): tf.LayersModel {
  const { inputShape, numClasses } = config;
  const { headFirst = false, dtype = 'float32' } = options;
  const { readout = rateReadout({ name: 'readout' }) } = options;
  const kernelInitializer = normalKernel(0.02);
  const head =
    numClasses === null
      ? []
      : [tf.layers.dense({ name: 'head', units: numClasses, kernelInitializer })];
  const input = tf.input({ shape: inputShape, dtype });
  const all = [...layers, ...(headFirst ? [...head, readout] : [readout, ...head])];
  try {
    const logits = all.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
    return tf.model({ inputs: input, outputs: logits, ...pick(config, ['name']) });
  } catch (error) {
    // If a layer rejects its input, the layers before it must be disposed of.
    for (const weight of all.flatMap((layer) => layer.weights)) weight.dispose();
    throw error;
  }
}

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`. `family` is the name of the family's
 * function.
 */
export function spikingTransformer(
  family: string,
  config: NetworkConfig,
  { tokenizer, block, blockOptions = {} }: NetworkParts,
): tf.LayersModel {
  const blockKeys = Object.keys(blockOptions);
  const own = { ...networkOptions, ...tokenPruningOptions };
  checkKeys(family, config, [...Object.keys(own), ...blockKeys, ...neuronOptionKeys]);
  const { numClasses, depth, timeSteps, patchSize, embedDim, numHeads, mlpRatio } = networkOptions;
  const sizes = { numClasses, depth, timeSteps, patchSize, embedDim, numHeads };
  const early = { ...sizes, ...tokenPruningOptions };
  for (const [key, option] of Object.entries(early)) {
    checkOption(key, config[key as keyof typeof early], option);
  }
  const size = {
    numHeads: config.numHeads ?? numHeads.default,
    mlpRatio: config.mlpRatio ?? mlpRatio.default,
  };
  if (config.embedDim % size.numHeads !== 0) {
    throw invalid('numHeads', `a divisor of embedDim (${config.embedDim})`, size.numHeads);
  }
  const neurons = pick(config, neuronOptionKeys);
  const blockConfig = pick(config, ['scale', 'attnVThreshold', ...blockKeys, ...neuronOptionKeys]);

  // All layers are made before any weight: if a layer rejects its options, no tensor is left.
  const tokens = tokenizer({
    name: 'tokenizer',
    embedDim: config.embedDim,
    patchSize: config.patchSize ?? patchSize.default,
    timeSteps: imageTimeSteps(config),
    ...pick(config, ['order']),
    ...neurons,
  });
  const blocks = pruningOfBlocks(config, config.depth).map((pruning, i) =>
    block({ ...blockConfig, ...size, ...pruning, name: `block${i + 1}` }),
  );
  if (!Number.isInteger(config.embedDim * size.mlpRatio)) {
    throw invalid(
      'mlpRatio',
      `a number whose product with the ${config.embedDim} channels is whole`,
      size.mlpRatio,
    );
  }
  return classifier(config, [tokens, ...blocks]);
}

/** What the authors' codes share: see AuthorsCode. */
export const transformerCode = {
  sizes: transformerSizes,
  smallest: () => ({ embedDim: 8, depth: 1, numHeads: 1, numClasses: 1 }),
  laterBlocks: /^block\.(?!0\.)/,
  unused: /(\.norm[12]\.(weight|bias)|\.num_batches_tracked)$/,
};
