/** The Spike-driven Transformer's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { oddLIF } from './_odd_neuron';
import { attention, block, mlp, stages, withoutBias } from './_weight_names';

const spikeDrivenStages = [...stages.slice(0, 3), 'conv_bn/', 'rpe/'];
const spikeDrivenTokenizer = withoutBias(spikeDrivenStages);

export const spikeDrivenTransformer: LayerCase[] = [
  {
    className: 'SpikeDrivenTokenizer',
    make: (options) =>
      layers.spikeDrivenTokenizer({
        embedDim: 8,
        poolingStat: '0100',
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...spikeDrivenTokenizer,
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SpikeDrivenTokenizer',
    variant: 'of an image',
    make: (options) =>
      layers.spikeDrivenTokenizer({
        embedDim: 8,
        poolingStat: '0011',
        timeSteps: 2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 5, 1],
    outputShape: [2, 1, 2, 8],
    ...spikeDrivenTokenizer,
    badInput: [2, 4, 5, 3],
  },
  {
    className: 'SpikeDrivenAttention',
    make: (options) =>
      layers.spikeDrivenAttention({
        numHeads: 2,
        attnVThreshold: 0.2,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...attention(''),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikeDrivenAttention',
    variant: 'of spread spikes',
    make: (options) =>
      layers.spikeDrivenAttention({ numHeads: 2, dvsMode: true, vThreshold: 0.7, ...options }),
    inputShape: [2, 3, 2, 4],
    outputShape: [2, 3, 2, 4],
    ...attention(''),
    badInput: [2, 2, 6, 4],
  },
  {
    className: 'SpikeDrivenMLP',
    make: (options) => layers.spikeDrivenMLP({ hiddenRatio: 1.5, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...mlp(''),
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'SpikeDrivenMLP',
    variant: 'with a shortcut around each half',
    make: (options) => layers.spikeDrivenMLP({ hiddenRatio: 1, vThreshold: 0.3, ...options }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...mlp(''),
    badInput: [2, 2, 2, 2, 5],
  },
  {
    className: 'SpikeDrivenBlock',
    make: (options) =>
      layers.spikeDrivenBlock({
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
  {
    className: 'SpikeDrivenBlock',
    variant: 'that keeps some tokens',
    make: (options) =>
      layers.spikeDrivenBlock({
        numHeads: 2,
        mlpRatio: 1,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        keepTokens: 3,
        scoreWindow: 5,
        ...options,
      }),
    inputShape: [2, 2, 3, 4],
    outputShape: [2, 2, 3, 4],
    ...block(),
    badInput: [2, 2, 1, 2, 4],
  },
];
