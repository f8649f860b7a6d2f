/** What a Spikingformer refuses: each error names the option, what was expected, what came. No tensor is left. */
import * as spiking from 'tfjs-spikingformer';
import type { SpikingformerConfig } from '../../models';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';

const image: SpikingformerConfig = {
  inputShape: [8, 8, 2],
  numClasses: 3,
  embedDim: 16,
  depth: 1,
  numHeads: 4,
  mlpRatio: 2,
  timeSteps: 3,
  attnVThreshold: 0.2,
};

const bad: [string, Record<string, unknown>, RegExp][] = [
  [
    'a typo',
    { numclasses: 3 },
    /^spikingformer has no option 'numclasses'; its options are inputShape, /,
  ],
  [
    'no inputShape',
    { inputShape: undefined },
    /^inputShape must be \[height, width, channels\] or .*, but got undefined$/,
  ],
  ['an inputShape of rank 2', { inputShape: [8, 8] }, /^inputShape must be .*, but got \[8,8\]$/],
  [
    'an inputShape of rank 5',
    { inputShape: [1, 1, 8, 8, 2] },
    /^inputShape must be .* but got \[1,1,8,8,2\]$/,
  ],
  [
    'NaN in inputShape',
    { inputShape: [8, Number.NaN, 2] },
    /^inputShape\[1\] must be a positive integer, but got NaN$/,
  ],
  [
    'a negative side',
    { inputShape: [8, 8, -2] },
    /^inputShape\[2\] must be a positive integer, but got -2$/,
  ],
  ['a string as inputShape', { inputShape: '8' }, /^inputShape must be .*, but got '8'$/],
  [
    'no numClasses',
    { numClasses: undefined },
    /^numClasses must be a positive integer, but got undefined$/,
  ],
  [
    'numClasses NaN',
    { numClasses: Number.NaN },
    /^numClasses must be a positive integer, but got NaN$/,
  ],
  ['depth 0', { depth: 0 }, /^depth must be a positive integer, but got 0$/],
  ['depth as a string', { depth: '2' }, /^depth must be a positive integer, but got '2'$/],
  [
    'embedDim not a multiple of 8',
    { embedDim: 12 },
    /^embedDim must be a multiple of 8, but got 12$/,
  ],
  ['embedDim 0', { embedDim: 0 }, /^embedDim must be a positive integer, but got 0$/],
  [
    'heads that do not divide',
    { numHeads: 3 },
    /^numHeads must be a divisor of embedDim \(16\), but got 3$/,
  ],
  ['numHeads NaN', { numHeads: Number.NaN }, /^numHeads must be a positive integer, but got NaN$/],
  ['patchSize 5', { patchSize: 5 }, /^patchSize must be 4, 8 or 16, but got 5$/],
  [
    'an image smaller than a token',
    { inputShape: [2, 8, 2] },
    /at least patchSize \(4\) pixels per side, but got \[null,2,8,2\]$/,
  ],
  ['timeSteps 0', { timeSteps: 0 }, /^timeSteps must be a positive integer, but got 0$/],
  ['timeSteps 1.5', { timeSteps: 1.5 }, /^timeSteps must be a positive integer, but got 1.5$/],
  [
    'timeSteps against the events',
    { inputShape: [4, 8, 8, 2] },
    /^timeSteps must be inputShape\[0\] \(4\), the time steps of the events, but got 3$/,
  ],
  [
    'mlpRatio NaN',
    { mlpRatio: Number.NaN },
    /^mlpRatio must be a positive finite number, but got NaN$/,
  ],
  [
    'mlpRatio negative',
    { mlpRatio: -4 },
    /^mlpRatio must be a positive finite number, but got -4$/,
  ],
  [
    'mlpRatio with half a channel',
    { mlpRatio: 0.3 },
    /^mlpRatio must be a number whose product with the 16 channels is whole, but got 0.3$/,
  ],
  ['scale NaN', { scale: Number.NaN }, /^scale must be a finite number, but got NaN$/],
  [
    'attnVThreshold NaN',
    { attnVThreshold: Number.NaN },
    /^attnVThreshold must be a finite number, but got NaN$/,
  ],
  [
    'attnVThreshold below vReset',
    { attnVThreshold: -1 },
    /^attnVThreshold must be greater than vReset \(0\), but got -1$/,
  ],
  [
    'attnVThreshold 0 with soft reset',
    { attnVThreshold: 0, vReset: null },
    /^attnVThreshold must be positive if vReset is null \(soft reset\), but got 0$/,
  ],
  [
    'order unknown',
    { order: 'pool-first' },
    /^order must be one of 'conv-bn-pool-lif', 'conv-bn-lif-pool', but got 'pool-first'$/,
  ],
  ['tau 1', { tau: 1 }, /^tau must be a finite number greater than 1 \(time steps\), but got 1$/],
  [
    'surrogate unknown',
    { surrogate: 'relu' },
    /^surrogate must be one of 'sigmoid', .*, but got 'relu'$/,
  ],
  ['stateful as a string', { stateful: 'yes' }, /^stateful must be true or false, but got 'yes'$/],
];

describeEachBackend('models.spikingformer', () => {
  test.each(bad)('refuses %s, and leaks nothing', async (_, change, message) => {
    await expectNoLeak(() => {
      const config = { ...image, ...change } as unknown as SpikingformerConfig;
      expect(() => spiking.models.spikingformer(config)).toThrow(message);
    });
  });

  test('refuses no configuration at all', () => {
    expect(() => spiking.models.spikingformer(undefined as unknown as SpikingformerConfig)).toThrow(
      'config must be an object of options, but got undefined',
    );
  });
});
