/** MS-QKFormer's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { block, bnFrozen, convTrainable, embed, linearTrainable } from './_weight_names';

export const msqkformer: LayerCase[] = [
  {
    className: 'MSQKFormerEmbed',
    make: (options) =>
      layers.msqkFormerEmbed({
        stages: [
          { filters: 2, downsample: 'none' },
          { filters: 3, downsample: 'pool' },
          { filters: 4, downsample: 'pool' },
        ],
        ...{ shortcutFrom: 1, encodes: true, vThreshold: 0.3 },
        ...options,
      }),
    inputShape: [2, 5, 4, 3],
    outputShape: [2, 2, 1, 4],
    ...embed(2),
    badInput: [2, 2, 5, 4, 5],
  },
  {
    className: 'MSQKFormerBlock',
    make: (options) =>
      layers.msqkFormerBlock({ numHeads: 2, mlpRatio: 0.5, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [
      ...['attn/q/', 'attn/k/'].flatMap(convTrainable),
      ...['attn/proj/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(linearTrainable),
    ],
    frozen: ['attn/q/', 'attn/k/', 'attn/proj/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(bnFrozen),
    idle: ['attn/proj/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'MSQKFormerBlock',
    variant: 'full',
    make: (options) =>
      layers.msqkFormerBlock({
        ...{ numHeads: 2, mlpRatio: 1, attention: 'full', scale: 1, vThreshold: 0.3 },
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...block(),
    badInput: [2, 2, 3, 6],
  },
];
