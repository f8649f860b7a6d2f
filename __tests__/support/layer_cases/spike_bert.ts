/** SpikeBERT's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { oddLIF } from './_odd_neuron';
import { linearLN } from './_weight_names';

export const spikeBert: LayerCase[] = [
  {
    className: 'SpikeBertSelfAttention',
    make: (options) =>
      layers.spikeBertSelfAttention({
        numHeads: 2,
        scale: 0.25,
        attnVThreshold: 0.2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['q/', 'k/', 'v/', 'proj/'].flatMap(linearLN),
    frozen: [],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikeBertMLP',
    make: (options) => layers.spikeBertMLP({ hiddenRatio: 1.5, ...oddLIF, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['fc1/', 'fc2/'].flatMap(linearLN),
    frozen: [],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'SpikeBertBlock',
    make: (options) =>
      layers.spikeBertBlock({
        numHeads: 2,
        mlpRatio: 1.5,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        scale: 0.5,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [
      ...['q/', 'k/', 'v/', 'proj/'].flatMap((map) => linearLN(`attn/${map}`)),
      ...['fc1/', 'fc2/'].flatMap((map) => linearLN(`mlp/${map}`)),
    ],
    frozen: [],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikeBertTransform',
    make: (options) => layers.spikeBertTransform(options),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: linearLN('map/'),
    frozen: [],
    idle: linearLN('map/'),
  },
];
