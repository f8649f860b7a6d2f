/** Spikingformer's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { oddLIF } from './_odd_neuron';
import { attention, block, mlp, tokenizer } from './_weight_names';

export const spikingformer: LayerCase[] = [
  {
    className: 'SpikingTokenizer',
    make: (options) =>
      layers.spikingTokenizer({ embedDim: 8, patchSize: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...tokenizer,
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SpikingTokenizer',
    variant: 'of an image, pooling spikes',
    make: (options) =>
      layers.spikingTokenizer({
        embedDim: 8,
        patchSize: 4,
        timeSteps: 2,
        order: 'conv-bn-lif-pool',
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 5, 1],
    outputShape: [2, 1, 2, 8],
    ...tokenizer,
    badInput: [2, 4, 5, 3],
  },
  {
    className: 'SpikingSelfAttention',
    make: (options) =>
      layers.spikingSelfAttention({
        numHeads: 2,
        scale: 0.25,
        attnVThreshold: 0.2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...attention(''),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikingMLP',
    make: (options) => layers.spikingMLP({ hiddenRatio: 1.5, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...mlp(''),
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'SpikingformerBlock',
    make: (options) =>
      layers.spikingformerBlock({
        numHeads: 2,
        mlpRatio: 2,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...block(),
    badInput: [2, 2, 2, 2, 6],
  },
];
