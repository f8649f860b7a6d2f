/** Neurons. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { oddLIF, oddNeuron } from './_odd_neuron';

export const neurons: LayerCase[] = [
  {
    className: 'IFNode',
    make: (options) => layers.ifNode({ ...oddNeuron, ...options }),
    inputShape: [3, 4],
    outputShape: [3, 4],
    trainable: [],
    frozen: [],
    badInput: [3],
  },
  {
    className: 'LIFNode',
    make: (options) => layers.lifNode({ ...oddLIF, ...options }),
    inputShape: [3, 4],
    outputShape: [3, 4],
    trainable: [],
    frozen: [],
    badInput: [3],
  },
  {
    className: 'LIFNode',
    variant: 'with soft reset',
    make: (options) => layers.lifNode({ vReset: null, ...options }),
    inputShape: [3, 2, 2],
    outputShape: [3, 2, 2],
    trainable: [],
    frozen: [],
    badInput: [3],
  },
  {
    className: 'ParametricLIFNode',
    make: (options) =>
      layers.parametricLIFNode({ ...oddNeuron, decayInput: false, initTau: 3, ...options }),
    inputShape: [3, 4],
    outputShape: [3, 4],
    trainable: ['w'],
    frozen: [],
    badInput: [3],
  },
];
