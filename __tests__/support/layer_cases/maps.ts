/** Maps, norms and downsampling. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { oddLIF } from './_odd_neuron';
import { bnFrozen, linearLN, linearTrainable, withoutBias } from './_weight_names';

export const maps: LayerCase[] = [
  {
    className: 'BatchNormOverTime',
    make: (options) => layers.batchNormOverTime({ epsilon: 1e-3, momentum: 0.5, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['gamma', 'beta'],
    frozen: ['moving_mean', 'moving_variance'],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'LayerNorm',
    make: (options) => layers.layerNorm({ epsilon: 1e-3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    trainable: ['gamma', 'beta'],
    frozen: [],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'ConvBN',
    make: (options) =>
      layers.convBN({ filters: 3, strides: 2, useBias: true, initStd: 0.5, ...options }),
    inputShape: [2, 5, 4, 2],
    outputShape: [2, 3, 2, 3],
    trainable: linearTrainable(''),
    frozen: bnFrozen(''),
    idle: ['bias'],
    badInput: [2, 2, 5, 4, 3],
  },
  {
    className: 'DepthwiseConvBN',
    make: (options) => layers.depthwiseConvBN({ kernelSize: 5, useBias: true, ...options }),
    inputShape: [2, 4, 3, 3],
    outputShape: [2, 4, 3, 3],
    trainable: linearTrainable(''),
    frozen: bnFrozen(''),
    idle: ['bias'],
    badInput: [2, 2, 4, 3, 4],
  },
  {
    className: 'LinearBN',
    make: (options) => layers.linearBN({ units: 3, useBias: true, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 3],
    trainable: linearTrainable(''),
    frozen: bnFrozen(''),
    idle: ['bias'],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'LinearLN',
    make: (options) => layers.linearLN({ units: 3, ...options }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 3],
    trainable: linearLN(''),
    frozen: [],
    badInput: [2, 2, 3, 5],
  },
  {
    className: 'CMLDownsample',
    make: (options) => layers.cmlDownsample({ filters: 3, vThreshold: 0.3, ...options }),
    inputShape: [2, 5, 4, 2],
    outputShape: [2, 3, 2, 3],
    ...withoutBias(['conv_bn/']),
    badInput: [2, 2, 5, 4, 3],
  },
  {
    className: 'CMLDownsample',
    variant: 'of an image, pooling spikes',
    make: (options) =>
      layers.cmlDownsample({
        filters: 3,
        kernelSize: 1,
        poolSize: 2,
        poolStrides: 1,
        order: 'conv-bn-lif-pool',
        timeSteps: 3,
        initStd: 0.5,
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 4, 2],
    outputShape: [3, 3, 3, 3],
    ...withoutBias(['conv_bn/']),
    badInput: [2, 4, 4, 5],
  },
];
