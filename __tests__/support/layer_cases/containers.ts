/** Layers of layers. */
import * as tf from '@tensorflow/tfjs';
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { bnFrozen, linearTrainable, withoutBias } from './_weight_names';

export const containers: LayerCase[] = [
  {
    className: 'Chain',
    make: (options) =>
      layers.chain({
        layers: [
          layers.lifNode({ name: 'lif', vThreshold: 0.3 }),
          layers.linearBN({ name: 'map', units: 3, useBias: true }),
          tf.layers.activation({ name: 'relu', activation: 'relu' }),
        ],
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 3],
    trainable: linearTrainable('map/'),
    frozen: bnFrozen('map/'),
    idle: ['map/bias'],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'Residual',
    make: (options) =>
      layers.residual({
        layers: [
          layers.linearBN({ name: 'map', units: 4 }),
          layers.lifNode({ name: 'lif', vThreshold: 0.3 }),
        ],
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...withoutBias(['map/']),
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'FoldTime',
    variant: 'of conv2d',
    make: (options) =>
      layers.foldTime({
        layer: tf.layers.conv2d({ name: 'inner', filters: 3, kernelSize: 3 }),
        ...options,
      }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 3],
    trainable: ['inner/kernel', 'inner/bias'],
    frozen: [],
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'FoldTime',
    variant: 'of batchNormalization',
    make: (options) =>
      layers.foldTime({ layer: tf.layers.batchNormalization({ name: 'inner' }), ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['inner/gamma', 'inner/beta'],
    frozen: ['inner/moving_mean', 'inner/moving_variance'],
    badInput: [2, 2, 3, 5],
  },
];
