/** Spikformer's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { oddLIF } from './_odd_neuron';
import { attention, block, linearTrainable, mlp, stages, withoutBias } from './_weight_names';

/** Spikformer's linear maps: q, k and v have a bias too. */
const linearAttention = (path: string) => ({
  trainable: ['q/', 'k/', 'v/', 'proj/'].flatMap((map) => linearTrainable(path + map)),
  frozen: attention(path).frozen,
  idle: ['q/', 'k/', 'v/', 'proj/'].map((map) => `${path}${map}bias`),
});
const spikformerStages = [...stages.slice(0, -1), 'rpe/conv_bn/'];

export const spikformer: LayerCase[] = [
  {
    className: 'SpikformerTokenizer',
    make: (options) =>
      layers.spikformerTokenizer({ embedDim: 8, patchSize: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...withoutBias(spikformerStages),
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SpikformerTokenizer',
    variant: 'of an image, pooling spikes',
    make: (options) =>
      layers.spikformerTokenizer({
        embedDim: 8,
        patchSize: 4,
        timeSteps: 2,
        order: 'conv-bn-lif-pool',
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 5, 1],
    outputShape: [2, 1, 2, 8],
    ...withoutBias(spikformerStages),
    badInput: [2, 4, 5, 3],
  },
  {
    className: 'SpikformerSelfAttention',
    make: (options) =>
      layers.spikformerSelfAttention({
        numHeads: 2,
        scale: 0.25,
        attnVThreshold: 0.2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...linearAttention(''),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SpikformerSelfAttention',
    variant: 'of convolutions',
    make: (options) =>
      layers.spikformerSelfAttention({
        numHeads: 2,
        projection: 'conv',
        attnVThreshold: 0.2,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...attention(''),
    badInput: [2, 2, 2, 2, 6],
  },
  {
    className: 'SpikformerMLP',
    make: (options) =>
      layers.spikformerMLP({
        hiddenRatio: 1.5,
        vThreshold: 0.3,
        projection: 'conv',
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...mlp(''),
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'SpikformerBlock',
    make: (options) =>
      layers.spikformerBlock({
        numHeads: 2,
        mlpRatio: 2,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...block(linearAttention('attn/')),
    badInput: [2, 2, 2, 2, 6],
  },
];
