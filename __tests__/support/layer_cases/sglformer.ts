/** SGLFormer's layers. */
import { layers } from 'tfjs-spikingformer';
import type { LayerCase } from './_layer_case';
import { oddLIF } from './_odd_neuron';
import { block, bnFrozen, linearTrainable, withoutBias } from './_weight_names';

/** SGLFormer's maps, none with a bias, by their paths. */
const sglFormerLocal = ['conv/', 'fc1/', 'hidden_conv/', 'fc2/'];
const sglFormerAttention = ['q/', 'k/', 'v/', 'proj/'];
const sglFormerUnit = [
  ...sglFormerLocal.map((map) => `local/${map}`),
  ...[1, 2].flatMap((n) => [
    ...sglFormerAttention.map((map) => `attn${n}/${map}`),
    ...[`mlp${n}/fc1/`, `mlp${n}/fc2/`],
  ]),
];
const sglFormerStages = [1, 2, 3, 4, 5].map((n) => `stage${n}/conv_bn/`);

export const sglformer: LayerCase[] = [
  {
    className: 'SGLFormerTokenizer',
    make: (options) =>
      layers.sglFormerTokenizer({ embedDim: 8, patchSize: 2, vThreshold: 0.3, ...options }),
    inputShape: [2, 4, 4, 2],
    outputShape: [2, 2, 2, 8],
    ...withoutBias(sglFormerStages),
    badInput: [2, 2, 4, 4, 3],
  },
  {
    className: 'SGLFormerTokenizer',
    variant: 'of an image, pooling early',
    make: (options) =>
      layers.sglFormerTokenizer({
        embedDim: 8,
        stemRatio: 4,
        patchSize: 4,
        pooling: 'early',
        timeSteps: 2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [4, 5, 1],
    outputShape: [2, 1, 2, 8],
    ...withoutBias(sglFormerStages),
    badInput: [2, 4, 5, 3],
  },
  {
    className: 'SGLFormerSelfAttention',
    make: (options) =>
      layers.sglFormerSelfAttention({
        numHeads: 2,
        reach: 'local',
        scale: 0.25,
        attnVThreshold: 0.2,
        ...oddLIF,
        ...options,
      }),
    inputShape: [2, 4, 3, 4],
    outputShape: [2, 4, 3, 4],
    ...withoutBias(sglFormerAttention),
    badInput: [2, 2, 4, 3, 6],
  },
  {
    className: 'SGLFormerGlobalBlock',
    make: (options) =>
      layers.sglFormerGlobalBlock({
        numHeads: 2,
        mlpRatio: 0.5,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 3, 4],
    outputShape: [2, 3, 4],
    ...block(),
    badInput: [2, 2, 3, 6],
  },
  {
    className: 'SGLFormerLocalBlock',
    make: (options) =>
      layers.sglFormerLocalBlock({ hiddenRatio: 1.5, vThreshold: 0.3, ...options }),
    inputShape: [2, 3, 2, 4],
    outputShape: [2, 3, 2, 4],
    ...withoutBias(sglFormerLocal),
    badInput: [2, 2, 3, 2, 5],
  },
  {
    className: 'SGLFormerUnit',
    make: (options) =>
      layers.sglFormerUnit({
        numHeads: 2,
        mlpRatio: 2,
        globals: 1,
        vThreshold: 0.3,
        attnVThreshold: 0.1,
        ...options,
      }),
    inputShape: [2, 2, 2, 4],
    outputShape: [2, 2, 2, 4],
    ...withoutBias(sglFormerUnit),
    badInput: [2, 2, 2, 2, 6],
  },
  {
    className: 'SGLFormerReadout',
    make: (options) => layers.sglFormerReadout(options),
    inputShape: [2, 2, 3, 4],
    outputShape: [4],
    trainable: linearTrainable(''),
    frozen: bnFrozen(''),
    idle: ['bias'],
    sized: true,
    badInput: [2, 2, 2, 3, 5],
  },
];
