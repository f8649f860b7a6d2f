/** SpikeCLIP's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { block, tokenizer, withoutBias } from './_weight_names';

/** SpikeCLIP's maps of text, without biases. */
const textMaps = ['attn/q/', 'attn/k/', 'attn/v/', 'attn/proj/', 'mlp/fc1/', 'mlp/fc2/'];

export const spikeclip: LayerCase[] = [
  {
    className: 'SpikeClipTokenizer',
    make: (options) =>
      layers.spikeClipTokenizer({ embedDim: 8, patchSize: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...tokenizer,
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SpikeClipBlock',
    make: (options) =>
      layers.spikeClipBlock({ numHeads: 2, mlpRatio: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...block(),
    badInput: [2, 2, 2, 2, 6],
  },
  {
    className: 'SpikeClipTextBlock',
    make: (options) =>
      layers.spikeClipTextBlock({
        numHeads: 2,
        mlpRatio: 2,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        normLayout: 'released',
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...withoutBias(textMaps),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikeClipTextEncoder',
    make: (options) =>
      layers.spikeClipTextEncoder({
        outputDim: 3,
        mlpRatio: 1.5,
        timeSteps: 2,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [3, 4],
    outputShape: [3],
    trainable: [
      'time_sum/time_weights',
      ...['fc1', 'fc2'].flatMap((fc) => [`${fc}/linear/kernel`, `${fc}/linear/bias`]),
    ],
    frozen: [],
    badInput: [2, 3, 5],
    sized: true,
  },
  {
    className: 'TimeWeightedSum',
    make: (options) => layers.timeWeightedSum(options),
    inputShape: [3, 4],
    outputShape: [4],
    trainable: ['time_weights'],
    frozen: [],
    badInput: [2, 2, 4],
    sized: true,
  },
];
