/** What Spikingformer and Spikformer share: a spiking tokenizer, blocks of spiking attention and MLP, a rate readout, a linear head. */
import * as tf from '@tensorflow/tfjs';
import { normalKernel } from '../layers/_initializers';
import { pick } from '../layers/_layer';
import { type NeuronOptions, neuronOptionKeys } from '../layers/_neuron_options';
import type { ResidualBlockConfig } from '../layers/_residual_block';
import type { TokenizerConfig } from '../layers/_tokenizer';
import type { DownsampleOrder } from '../layers/cml_downsample';
import { rateReadout } from '../layers/rate_readout';
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';

export interface NetworkConfig extends NeuronOptions {
  /** `[height, width, channels]`: an image, presented at every time step; or `[time, height, width, channels]`: events. */
  inputShape: number[];
  numClasses: number;
  /** Channels of a token, a multiple of 8 and of numHeads. */
  embedDim: number;
  /** Number of blocks. */
  depth: number;
  /** Default 8. */
  numHeads?: number;
  /** Default 4. */
  mlpRatio?: number;
  /** Default 4 for images; for events it is the input's. */
  timeSteps?: number;
  /** Pixels to one side of a token: 4 (default), 8 or 16. */
  patchSize?: number;
  /** 'conv-bn-pool-lif' (CML, the default) or 'conv-bn-lif-pool' (before it). */
  order?: DownsampleOrder;
  /** Factor on the attention's product. Default 0.125. */
  scale?: number;
  /** Threshold of the neurons after the attention's product. Default 0.5. */
  attnVThreshold?: number;
  /** The model's name. */
  name?: string;
}

const ownKeys = [
  'inputShape',
  'numClasses',
  'embedDim',
  'depth',
  'numHeads',
  'mlpRatio',
  'timeSteps',
  'patchSize',
  'order',
  'scale',
  'attnVThreshold',
  'name',
];

/** A family's layers. */
export interface NetworkParts<Config extends NetworkConfig> {
  tokenizer(config: TokenizerConfig): tf.layers.Layer;
  block(config: ResidualBlockConfig): tf.layers.Layer;
  /** Options that only this family has: they go to its blocks. */
  blockKeys?: readonly (keyof Config & string)[];
}

/** How many time steps the tokenizer adds to an image; null for events, which bring their own. */
function imageTimeSteps({ inputShape, timeSteps }: NetworkConfig): number | null {
  if (!Array.isArray(inputShape) || (inputShape.length !== 3 && inputShape.length !== 4)) {
    throw invalid(
      'inputShape',
      '[height, width, channels] or [time, height, width, channels]',
      inputShape,
    );
  }
  for (const [i, n] of inputShape.entries()) checkPositiveInteger(`inputShape[${i}]`, n);
  if (timeSteps !== undefined) checkPositiveInteger('timeSteps', timeSteps);
  if (inputShape.length === 3) return timeSteps ?? 4;
  if (timeSteps !== undefined && timeSteps !== inputShape[0]) {
    throw invalid(
      'timeSteps',
      `inputShape[0] (${inputShape[0]}), the events' time steps`,
      timeSteps,
    );
  }
  return null;
}

/** A whole network of that family, `family` being its function's name: `[batch, ...inputShape]` -> logits `[batch, numClasses]`. */
export function network<Config extends NetworkConfig>(
  family: string,
  config: Config,
  parts: NetworkParts<Config>,
): tf.LayersModel {
  const { blockKeys = [] } = parts;
  checkKeys(family, config, [...ownKeys, ...blockKeys, ...neuronOptionKeys]);
  const { inputShape, numClasses, embedDim, depth, numHeads = 8, mlpRatio = 4, name } = config;
  const { patchSize = 4, order } = config;
  checkPositiveInteger('numClasses', numClasses);
  checkPositiveInteger('depth', depth);
  const timeSteps = imageTimeSteps(config);
  if (![4, 8, 16].includes(patchSize)) throw invalid('patchSize', '4, 8 or 16', patchSize);
  checkPositiveInteger('embedDim', embedDim);
  checkPositiveInteger('numHeads', numHeads);
  if (embedDim % numHeads !== 0) {
    throw invalid('numHeads', `a divisor of embedDim (${embedDim})`, numHeads);
  }
  const neurons = pick(config, neuronOptionKeys);
  const blockOptions = pick(config, ['scale', 'attnVThreshold', ...blockKeys, ...neuronOptionKeys]);

  // All layers before any weight: a layer that refuses its options leaves nothing behind.
  const tokenizer = parts.tokenizer({
    name: 'tokenizer',
    embedDim,
    patchSize,
    timeSteps,
    ...pick({ order }, ['order']),
    ...neurons,
  });
  const blocks = Array.from({ length: depth }, (_, i) =>
    parts.block({ ...blockOptions, name: `block${i + 1}`, numHeads, mlpRatio }),
  );
  if (!Number.isInteger(embedDim * mlpRatio)) {
    throw invalid('mlpRatio', `such that ${embedDim} channels times it is whole`, mlpRatio);
  }
  const head = tf.layers.dense({
    name: 'head',
    units: numClasses,
    kernelInitializer: normalKernel(0.02),
  });

  const input = tf.input({ shape: inputShape });
  const layers = [tokenizer, ...blocks, rateReadout({ name: 'readout' }), head];
  const logits = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs: logits, ...pick({ name }, ['name']) });
}
