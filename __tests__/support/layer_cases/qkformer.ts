/** QKFormer's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { bnFrozen, convTrainable, linearTrainable } from './_weight_names';

export const qkformer: LayerCase[] = [
  {
    className: 'Speds',
    make: (options) =>
      layers.speds({
        stages: [
          { filters: 2, pool: false },
          { filters: 4, pool: true },
        ],
        shortcutFrom: 1,
        timeSteps: 2,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [4, 4, 3],
    outputShape: [2, 2, 2, 4],
    trainable: [
      ...convTrainable('stage1/conv_bn/'),
      ...convTrainable('stage2/conv_bn/'),
      ...convTrainable('shortcut/'),
    ],
    frozen: [
      ...bnFrozen('stage1/conv_bn/'),
      ...bnFrozen('stage2/conv_bn/'),
      ...bnFrozen('shortcut/'),
    ],
    badInput: [2, 4, 4, 5],
  },
  {
    className: 'QKAttention',
    make: (options) =>
      layers.qkAttention({ numHeads: 2, attnVThreshold: 0.4, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [...convTrainable('q/'), ...convTrainable('k/'), ...linearTrainable('proj/')],
    frozen: [...bnFrozen('q/'), ...bnFrozen('k/'), ...bnFrozen('proj/')],
    idle: ['proj/bias'],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'QKAttention',
    variant: 'preActivation',
    make: (options) =>
      layers.qkAttention({ numHeads: 2, preActivation: true, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [...convTrainable('q/'), ...convTrainable('k/'), ...linearTrainable('proj/')],
    frozen: [...bnFrozen('q/'), ...bnFrozen('k/'), ...bnFrozen('proj/')],
    idle: ['proj/bias'],
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'QKFormerBlock',
    make: (options) =>
      layers.qkFormerBlock({
        numHeads: 2,
        mlpRatio: 0.5,
        attention: 'full',
        scale: 1,
        vThreshold: 0.3,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: [
      ...['q/', 'k/', 'v/'].flatMap((map) => convTrainable(`attn/${map}`)),
      ...['attn/proj/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(linearTrainable),
    ],
    frozen: ['attn/q/', 'attn/k/', 'attn/v/', 'attn/proj/', 'mlp/fc1/', 'mlp/fc2/'].flatMap(
      bnFrozen,
    ),
    idle: ['attn/proj/bias', 'mlp/fc1/bias', 'mlp/fc2/bias'],
    badInput: [2, 2, 3, 6],
  },
];
