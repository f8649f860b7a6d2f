/** Max-Former's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { attention, bnFrozen, embed, linearTrainable, mlp } from './_weight_names';

export const maxformer: LayerCase[] = [
  {
    className: 'MaxFormerEmbed',
    make: (options) =>
      layers.maxFormerEmbed({
        stages: [
          { filters: 2, downsample: 'pool' },
          { filters: 4, downsample: 'none' },
        ],
        shortcutDownsample: 'pool',
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 4, 3, 3],
    outputShape: [2, 2, 2, 4],
    ...embed(1),
    badInput: [2, 2, 4, 3, 5],
  },
  {
    className: 'MaxFormerEmbed',
    variant: 'of an image',
    make: (options) =>
      layers.maxFormerEmbed({
        stages: [
          { filters: 2, downsample: 'stride' },
          { filters: 3, downsample: 'stride' },
          { filters: 4, downsample: 'none' },
        ],
        ...{ shortcutFrom: 1, timeSteps: 2, vThreshold: 0.3 },
        ...options,
      }),
    inputShape: [5, 4, 3],
    outputShape: [2, 2, 1, 4],
    ...embed(2),
    badInput: [2, 5, 4, 5],
  },
  {
    className: 'MaxFormerBlock',
    make: (options) =>
      layers.maxFormerBlock({ kernelSize: 5, mlpRatio: 1, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 3, 4],
    outputShape: [2, 3, 3, 4],
    trainable: ['mixer/conv/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(linearTrainable),
    frozen: ['mixer/conv/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(bnFrozen),
    idle: ['mixer/conv/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 3, 6],
  },
  {
    className: 'MaxFormerBlock',
    variant: 'attention and a depthwise convolution',
    make: (options) =>
      layers.maxFormerBlock({
        ...{ numHeads: 2, kernelSize: 3, mlpRatio: 2, scale: 1, vThreshold: 0.3 },
        ...options,
      }),
    inputShape: [2, 3, 3, 4],
    outputShape: [2, 3, 3, 4],
    trainable: [
      ...attention('mixer/attn/').trainable,
      ...['mixer/conv/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(linearTrainable),
    ],
    frozen: [
      ...attention('mixer/attn/').frozen,
      ...['mixer/conv/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(bnFrozen),
    ],
    idle: ['mixer/attn/proj/bias', 'mixer/conv/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 3, 6],
  },
  {
    className: 'MaxFormerBlock',
    variant: 'an MLP alone',
    make: (options) => layers.maxFormerBlock({ mlpRatio: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...mlp('mlp/'),
    badInput: [2, 2, 3, 6],
  },
];
