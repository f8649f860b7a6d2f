/**
 * Spikingformer (Zhou et al., arXiv 2304.11954) with CML downsampling (arXiv 2305.05954):
 * a spiking tokenizer, blocks of spiking attention and MLP, a rate readout, a linear head.
 */
import * as tf from '@tensorflow/tfjs';
import { pick } from '../layers/_layer';
import { type NeuronOptions, neuronOptionKeys } from '../layers/_neuron_options';
import type { DownsampleOrder } from '../layers/cml_downsample';
import { rateReadout } from '../layers/rate_readout';
import { spikingTokenizer } from '../layers/spiking_tokenizer';
import { spikingformerBlock } from '../layers/spikingformer_block';
import { checkKeys, checkPositiveInteger, invalid } from '../lib/validate';

export interface SpikingformerConfig extends NeuronOptions {
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

/** How many time steps the tokenizer adds to an image; null for events, which bring their own. */
function imageTimeSteps({ inputShape, timeSteps }: SpikingformerConfig): number | null {
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

/**
 * A whole network: `[batch, ...inputShape]` -> logits `[batch, numClasses]`.
 *
 * ```ts
 * const model = spiking.models.spikingformer({ inputShape: [32, 32, 3], numClasses: 10, embedDim: 64, depth: 1 });
 * ```
 */
export function spikingformer(config: SpikingformerConfig): tf.LayersModel {
  checkKeys('spikingformer', config, [...ownKeys, ...neuronOptionKeys]);
  const { inputShape, numClasses, embedDim, depth, numHeads = 8, mlpRatio = 4, name } = config;
  const { patchSize = 4, order, scale, attnVThreshold } = config;
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
  const attention = pick({ scale, attnVThreshold }, ['scale', 'attnVThreshold']);

  // All layers before any weight: a layer that refuses its options leaves nothing behind.
  const tokenizer = spikingTokenizer({
    name: 'tokenizer',
    embedDim,
    patchSize,
    timeSteps,
    ...pick({ order }, ['order']),
    ...neurons,
  });
  const blocks = Array.from({ length: depth }, (_, i) =>
    spikingformerBlock({ name: `block${i + 1}`, numHeads, mlpRatio, ...attention, ...neurons }),
  );
  if (!Number.isInteger(embedDim * mlpRatio)) {
    throw invalid('mlpRatio', `such that ${embedDim} channels times it is whole`, mlpRatio);
  }
  const head = tf.layers.dense({
    name: 'head',
    units: numClasses,
    // timm's truncation of this normal distribution, at an absolute 2, never happens.
    kernelInitializer: tf.initializers.randomNormal({ stddev: 0.02 }),
  });

  const input = tf.input({ shape: inputShape });
  const layers = [tokenizer, ...blocks, rateReadout({ name: 'readout' }), head];
  const logits = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs: logits, ...pick({ name }, ['name']) });
}
