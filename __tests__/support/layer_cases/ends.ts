/** Where networks begin and end: encoders, embeddings, readouts. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';

export const ends: LayerCase[] = [
  {
    className: 'DirectEncoding',
    make: (options) => layers.directEncoding({ timeSteps: 3, ...options }),
    inputShape: [4, 2],
    outputShape: [3, 4, 2],
    trainable: [],
    frozen: [],
  },
  {
    className: 'LatencyEncoder',
    make: (options) => layers.latencyEncoder({ timeSteps: 4, ...options }),
    inputShape: [3, 2],
    outputShape: [4, 3, 2],
    trainable: [],
    frozen: [],
  },
  {
    className: 'PoissonEncoder',
    make: (options) => layers.poissonEncoder({ timeSteps: 4, seed: 3, ...options }),
    inputShape: [3, 2],
    outputShape: [4, 3, 2],
    trainable: [],
    frozen: [],
  },
  {
    className: 'TokenEmbedding',
    make: (options) =>
      layers.tokenEmbedding({ vocabSize: 5, embedDim: 3, timeSteps: 2, alpha: 0.5, ...options }),
    inputShape: [4],
    outputShape: [2, 4, 3],
    trainable: ['embeddings'],
    frozen: [],
    badInput: [2, 4, 1],
    ids: 5,
  },
  {
    className: 'TokenEmbedding',
    variant: 'with positions and padding',
    make: (options) =>
      layers.tokenEmbedding({
        ...{ vocabSize: 9, embedDim: 3, timeSteps: 1, positions: true, padId: 8 },
        ...{ surrogate: 'sigmoid', ...options },
      }),
    inputShape: [4],
    outputShape: [1, 4, 3],
    trainable: ['embeddings', 'positions'],
    frozen: [],
    badInput: [2, 5],
    ids: 8,
  },
  {
    className: 'TokenEmbedding',
    variant: 'in time',
    make: (options) =>
      layers.tokenEmbedding({
        ...{ vocabSize: 5, embedDim: 3, timeSteps: 2, inTime: true, ...options },
      }),
    inputShape: [4],
    outputShape: [8, 1, 3],
    trainable: ['embeddings'],
    frozen: [],
    badInput: [2, 4, 1],
    ids: 5,
  },
  {
    className: 'TokenMean',
    make: (options) => layers.tokenMean(options),
    inputShape: [2, 2, 2, 3],
    outputShape: [2, 3],
    trainable: [],
    frozen: [],
  },
  {
    className: 'RateReadout',
    make: (options) => layers.rateReadout(options),
    inputShape: [2, 2, 2, 3],
    outputShape: [3],
    trainable: [],
    frozen: [],
  },
];
