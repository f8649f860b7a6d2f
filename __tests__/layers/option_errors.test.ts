/** Options that the layers refuse: each error names the option, what was expected, what came. No tensor is left. */
import type * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { titled } from '../support/layer_cases';
import { expectNoLeak } from '../support/leaks';

/** Options as a caller without types may give them. */
type Loose = Record<string, unknown>;

const { layers } = spiking;
const factories = layers as unknown as Record<string, (config?: unknown) => tf.layers.Layer>;

const positive = (name: string, value: unknown) =>
  `${name} must be a positive integer, but got ${typeof value === 'string' ? `'${value}'` : value}`;

/** [factory, options, message] */
const configs: [string, Loose, string][] = [
  [
    'qkAttention',
    { numHeads: 2, attnVThreshold: 0 },
    'attnVThreshold must be greater than vReset (0), but got 0',
  ],
  [
    'qkFormerBlock',
    { numHeads: 2, scale: Number.NaN },
    'scale must be a finite number, but got NaN',
  ],
  ['directEncoding', {}, positive('timeSteps', undefined)],
  ['directEncoding', { timeSteps: 0 }, positive('timeSteps', 0)],
  ['directEncoding', { timeSteps: '4' }, positive('timeSteps', '4')],
  ['ifNode', { tau: 2 }, "IFNode has no option 'tau'; its options are vThreshold, "],
  ['ifNode', { vThreshold: Number.NaN }, 'vThreshold must be a finite number, but got NaN'],
  ['lifNode', { tau: 1 }, 'tau must be a finite number greater than 1 (time steps), but got 1'],
  [
    'lifNode',
    { tau: Number.NaN },
    'tau must be a finite number greater than 1 (time steps), but got NaN',
  ],
  ['lifNode', { vReset: 1 }, 'vReset must be less than vThreshold (1), but got 1'],
  ['lifNode', { surrogate: 'step' }, "but got 'step'"],
  ['lifNode', { stateful: 1 }, 'stateful must be true or false, but got 1'],
  [
    'parametricLIFNode',
    { initTau: 1 },
    'initTau must be a finite number greater than 1 (time steps), but got 1',
  ],
  [
    'parametricLIFNode',
    { initTau: Number.NaN },
    'initTau must be a finite number greater than 1 (time steps), but got NaN',
  ],
  ['parametricLIFNode', { tau: 1 }, 'tau must be a finite number greater than 1'],
  ['parametricLIFNode', { tau: 2, initTau: 3 }, 'initTau must be equal to tau (2)'],
  ['batchNormOverTime', { epsilon: 0 }, 'epsilon must be a positive finite number, but got 0'],
  ['batchNormOverTime', { momentum: 1 }, 'momentum must be a number from 0 to below 1, but got 1'],
  [
    'batchNormOverTime',
    { momentum: Number.NaN },
    'momentum must be a number from 0 to below 1, but got NaN',
  ],
  ['convBN', {}, positive('filters', undefined)],
  ['convBN', { filters: 2.5 }, positive('filters', 2.5)],
  ['convBN', { filters: 2, kernelSize: 2 }, 'kernelSize must be odd, but got 2'],
  [
    'convBN',
    { filters: 2, kernelSize: [3, 3] },
    'kernelSize must be a positive integer, but got [3,3]',
  ],
  ['convBN', { filters: 2, strides: 0 }, positive('strides', 0)],
  ['convBN', { filters: 2, useBias: 1 }, 'useBias must be true or false, but got 1'],
  ['linearBN', {}, positive('units', undefined)],
  ['linearBN', { units: -1 }, positive('units', -1)],
  ['cmlDownsample', {}, positive('filters', undefined)],
  ['cmlDownsample', { filters: Number.NaN }, positive('filters', Number.NaN)],
  ['cmlDownsample', { filters: 2, kernelSize: 4 }, 'kernelSize must be odd, but got 4'],
  ['cmlDownsample', { filters: 2, poolSize: 0 }, positive('poolSize', 0)],
  ['cmlDownsample', { filters: 2, poolStrides: 0 }, positive('poolStrides', 0)],
  ['cmlDownsample', { filters: 2, timeSteps: 0 }, positive('timeSteps', 0)],
  [
    'cmlDownsample',
    { filters: 2, order: 'lif-first' },
    "order must be one of 'conv-bn-pool-lif', 'conv-bn-lif-pool', but got 'lif-first'",
  ],
  [
    'cmlDownsample',
    { filters: 2, tau: 1 },
    'tau must be a finite number greater than 1 (time steps), but got 1',
  ],
  ['spikingSelfAttention', {}, positive('numHeads', undefined)],
  ['spikingSelfAttention', { numHeads: 0 }, positive('numHeads', 0)],
  [
    'spikingSelfAttention',
    { numHeads: 2, scale: Number.NaN },
    'scale must be a finite number, but got NaN',
  ],
  [
    'spikingSelfAttention',
    { numHeads: 2, attnVThreshold: '1' },
    "attnVThreshold must be a finite number, but got '1'",
  ],
  [
    'spikingSelfAttention',
    { numHeads: 2, attnVThreshold: 0 },
    'attnVThreshold must be greater than vReset (0), but got 0',
  ],
  ['spikingMLP', { hiddenRatio: 0 }, 'hiddenRatio must be a positive finite number, but got 0'],
  [
    'spikingMLP',
    { hiddenRatio: Number.NaN },
    'hiddenRatio must be a positive finite number, but got NaN',
  ],
  ['spikingformerBlock', {}, positive('numHeads', undefined)],
  [
    'spikingformerBlock',
    { numHeads: 2, mlpRatio: -1 },
    'mlpRatio must be a positive finite number, but got -1',
  ],
  ['spikingformerBlock', { numHeads: 2, surrogate: 'x' }, "but got 'x'"],
  ['linearBN', { units: 2, initStd: 0 }, 'initStd must be a positive finite number, but got 0'],
  ['spikformerSelfAttention', {}, positive('numHeads', undefined)],
  [
    'spikformerSelfAttention',
    { numHeads: 2, attnVThreshold: 0 },
    'attnVThreshold must be greater than vReset (0), but got 0',
  ],
  [
    'spikformerSelfAttention',
    { numHeads: 2, projection: 'dense' },
    "projection must be one of 'linear', 'conv', but got 'dense'",
  ],
  ['spikformerMLP', { hiddenRatio: 0 }, 'hiddenRatio must be a positive finite number, but got 0'],
  [
    'spikformerMLP',
    { projection: null },
    "projection must be one of 'linear', 'conv', but got null",
  ],
  ['spikformerMLP', { useBias: 1 }, 'useBias must be'],
  [
    'sglFormerSelfAttention',
    { numHeads: 2, reach: 'near' },
    "reach must be one of 'global', 'local', but got 'near'",
  ],
  [
    'sglFormerUnit',
    { numHeads: 2, globals: -1 },
    'globals must be a whole number from 0, but got -1',
  ],
  [
    'sglFormerGlobalBlock',
    { numHeads: 2, projLifAxis: 'batch' },
    "projLifAxis must be one of 'time', 'released', but got 'batch'",
  ],
  ['sglFormerLocalBlock', { hiddenRatio: 0 }, 'hiddenRatio must be a positive finite number'],
  [
    'sglFormerTokenizer',
    { embedDim: 4 },
    'embedDim must be a multiple of 4, at least stemRatio (6), but got 4',
  ],
  [
    'sglFormerTokenizer',
    { embedDim: 8, patchSize: 32 },
    'patchSize must be 1, 2, 4, 8 or 16, but got 32',
  ],
  [
    'sglFormerTokenizer',
    { embedDim: 8, pooling: 'last' },
    "pooling must be one of 'late', 'early', but got 'last'",
  ],
  [
    'sglFormerTokenizer',
    { embedDim: 8, firstLifAxis: 'batch' },
    "firstLifAxis must be one of 'time', 'released', but got 'batch'",
  ],
  ['spikformerBlock', { numHeads: 2, projection: 1 }, "projection must be one of 'linear', 'conv'"],
  ['spikformerTokenizer', { embedDim: 12 }, 'embedDim must be a multiple of 8, but got 12'],
  ['spikingTokenizer', {}, positive('embedDim', undefined)],
  ['spikingTokenizer', { embedDim: 12 }, 'embedDim must be a multiple of 8, but got 12'],
  [
    'spikingTokenizer',
    { embedDim: 8, patchSize: 5 },
    'patchSize must be 1, 2, 4, 8 or 16, but got 5',
  ],
  [
    'spikingTokenizer',
    { embedDim: 8, order: 'x' },
    "order must be one of 'conv-bn-pool-lif', 'conv-bn-lif-pool', but got 'x'",
  ],
  ['spikingTokenizer', { embedDim: 8, timeSteps: -1 }, positive('timeSteps', -1)],
];

describeEachBackend('layers refuse', () => {
  test.each(configs)('%s(%j)', async (factory, options, message) => {
    await expectNoLeak(() => {
      expect(() => factories[factory]!(options)).toThrow(message);
    });
  });

  test.each(titled)('%s: an option that it does not have', async (_, { className, make }) => {
    await expectNoLeak(() => {
      expect(() => make({ vTreshold: 1 } as object)).toThrow(
        `${className} has no option 'vTreshold'; its options are `,
      );
    });
  });

  test.each([
    'cmlDownsample',
    'spikingSelfAttention',
    'convBN',
    'spikingTokenizer',
    'directEncoding',
    'foldTime',
    'linearBN',
    'spikingformerBlock',
    'spikformerBlock',
    'spikformerSelfAttention',
    'spikformerTokenizer',
  ])('%s: no options at all', (factory) => {
    expect(() => factories[factory]!()).toThrow(
      'config must be an object of options, but got undefined',
    );
    expect(() => factories[factory]!(3)).toThrow('config must be an object of options, but got 3');
  });
});
