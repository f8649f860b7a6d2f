/** Max-ResNet's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { bnFrozen, convTrainable, withoutBias } from './_weight_names';

export const maxresnet: LayerCase[] = [
  {
    className: 'MaxResNetStem',
    make: (options) => layers.maxResNetStem({ filters: 4, ...options }),
    inputShape: [2, 4, 3, 3],
    outputShape: [2, 4, 3, 4],
    ...withoutBias(['conv_bn/']),
    badInput: [2, 2, 4, 3, 5],
  },
  {
    className: 'MaxResNetStem',
    variant: 'of an image',
    make: (options) => layers.maxResNetStem({ filters: 4, timeSteps: 2, ...options }),
    inputShape: [4, 3, 3],
    outputShape: [2, 4, 3, 4],
    ...withoutBias(['conv_bn/']),
    badInput: [2, 4, 3, 5],
  },
  {
    className: 'MaxResNetBlock',
    make: (options) => layers.maxResNetBlock({ filters: 3, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 3, 3],
    outputShape: [2, 4, 3, 3],
    trainable: ['conv1/', 'conv2/'].flatMap(convTrainable),
    frozen: ['conv1/', 'conv2/'].flatMap(bnFrozen),
    badInput: [2, 2, 4, 3, 5],
  },
  {
    className: 'MaxResNetBlock',
    variant: 'that pools',
    make: (options) =>
      layers.maxResNetBlock({ filters: 4, pool: true, vThreshold: 0.3, ...options }),
    inputShape: [2, 5, 4, 3],
    outputShape: [2, 3, 2, 4],
    trainable: ['conv1/', 'conv2/', 'shortcut/'].flatMap(convTrainable),
    frozen: ['conv1/', 'conv2/', 'shortcut/'].flatMap(bnFrozen),
    badInput: [2, 2, 4, 3, 5],
  },
];
