/** Inputs that the layers refuse: each error names the argument, what was expected, what came. No tensor is left. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';

/** Options as a caller without types may give them. */
type Loose = Record<string, unknown>;

const { layers } = spiking;
const factories = layers as unknown as Record<string, (config?: unknown) => tf.layers.Layer>;

/** [factory, options, input, message] */
const inputs: [string, Loose, number[], string][] = [
  ['lifNode', {}, [2, 4], 'of shape [batch, time, ...neurons], but got [2,4]'],
  ['ifNode', {}, [4], 'of shape [batch, time, ...neurons], but got [4]'],
  ['parametricLIFNode', {}, [2, 4], 'of shape [batch, time, ...neurons], but got [2,4]'],
  [
    'convBN',
    { filters: 2 },
    [2, 8, 8, 3],
    'of shape [batch, time, height, width, channels], but got [2,8,8,3]',
  ],
  ['linearBN', { units: 2 }, [2, 8], 'of shape [batch, time, ..., channels], but got [2,8]'],
  [
    'cmlDownsample',
    { filters: 2 },
    [2, 8, 8, 3],
    'of shape [batch, time, height, width, channels], but got [2,8,8,3]',
  ],
  [
    'cmlDownsample',
    { filters: 2, timeSteps: 4 },
    [2, 4, 8, 8, 3],
    'of shape [batch, height, width, channels], an image, since timeSteps is set, but got [2,4,8,8,3]',
  ],
  [
    'sglFormerSelfAttention',
    { numHeads: 2 },
    [2, 2, 4, 6],
    'of shape [batch, time, height, width, channels], but got [2,2,4,6]',
  ],
  [
    'sglFormerLocalBlock',
    { hiddenRatio: 1.3 },
    [2, 2, 4, 4, 8],
    'hiddenRatio must be a number whose product with the 8 channels is whole, but got 1.3',
  ],
  [
    'sglFormerReadout',
    {},
    [2, 4, 8],
    'of shape [batch, time, tokens, channels] or [batch, time, height, width, channels], but got [2,4,8]',
  ],
  [
    'cmlDownsample',
    { filters: 2, poolSize: 4 },
    [2, 1, 1, 4, 3],
    'an image as large as the pool, but got [2,1,1,4,3]',
  ],
  [
    'spikingSelfAttention',
    { numHeads: 3 },
    [2, 3, 4, 8],
    'numHeads must be a divisor of the 8 channels, but got 3',
  ],
  [
    'spikingSelfAttention',
    { numHeads: 2 },
    [2, 4, 8],
    'of shape [batch, time, tokens, channels] or [batch, time, height, width, channels], but got [2,4,8]',
  ],
  [
    'spikformerSelfAttention',
    { numHeads: 3 },
    [2, 3, 4, 8],
    'numHeads must be a divisor of the 8 channels, but got 3',
  ],
  ['spikformerMLP', {}, [2, 4, 8], 'of shape [batch, time, tokens, channels] or'],
  [
    'spikformerBlock',
    { numHeads: 2, mlpRatio: 0.3 },
    [2, 3, 4, 8],
    'mlpRatio must be a number whose product with the 8 channels is whole, but got 0.3',
  ],
  [
    'spikformerTokenizer',
    { embedDim: 8, patchSize: 8 },
    [2, 1, 8, 4, 3],
    'an image of at least patchSize (8) pixels per side, but got [2,1,8,4,3]',
  ],
  ['spikingMLP', {}, [2, 4, 8], 'of shape [batch, time, tokens, channels] or'],
  [
    'spikingMLP',
    { hiddenRatio: 0.3 },
    [2, 3, 4, 8],
    'hiddenRatio must be a number whose product with the 8 channels is whole, but got 0.3',
  ],
  ['spikingformerBlock', { numHeads: 2 }, [2, 4, 8], 'of shape [batch, time, tokens, channels] or'],
  [
    'spikingformerBlock',
    { numHeads: 3 },
    [2, 3, 4, 8],
    'numHeads must be a divisor of the 8 channels, but got 3',
  ],
  [
    'spikingformerBlock',
    { numHeads: 2, mlpRatio: 0.3 },
    [2, 3, 4, 8],
    'mlpRatio must be a number whose product with the 8 channels is whole, but got 0.3',
  ],
  [
    'spikingTokenizer',
    { embedDim: 8 },
    [2, 8, 8, 3],
    'of shape [batch, time, height, width, channels], but got [2,8,8,3]',
  ],
  [
    'spikingTokenizer',
    { embedDim: 8, patchSize: 8 },
    [2, 1, 8, 4, 3],
    'an image of at least patchSize (8) pixels per side, but got [2,1,8,4,3]',
  ],
  ['rateReadout', {}, [2, 8], 'of shape [batch, time, tokens, channels] or'],
];

describeEachBackend('layers refuse', () => {
  test.each(inputs)('%s(%j) an input of shape %j', async (factory, options, shape, message) => {
    await expectNoLeak(() => {
      const x = tf.ones(shape);
      expect(() => factories[factory]!({ ...options, name: 'mine' }).apply(x)).toThrow(message);
      expect(() =>
        factories[factory]!({ ...options, name: 'mine' }).apply(
          tf.input({ shape: shape.slice(1) }),
        ),
      ).toThrow(message.replace(/but got .*/, 'but got '));
      x.dispose();
    });
  });

  test('inputs of whole numbers, by name and dtype', async () => {
    const whole = tf.ones([2, 3, 4, 4, 2], 'int32');
    for (const layer of [
      layers.lifNode(),
      layers.parametricLIFNode(),
      layers.batchNormOverTime(),
      layers.convBN({ filters: 2 }),
      layers.cmlDownsample({ filters: 2 }),
      layers.spikingSelfAttention({ numHeads: 2 }),
      layers.spikingTokenizer({ embedDim: 8 }),
    ]) {
      layer.apply(tf.input({ shape: [3, 4, 4, 2] }));
      await expectNoLeak(() => {
        expect(() => layer.apply(whole)).toThrow(/float32.*int32/);
        expect(() => layer.apply(whole, { training: true })).toThrow(/float32.*int32/);
      });
      layer.dispose();
    }
    whole.dispose();
  });

  test('two inputs', async () => {
    const [x, y] = [tf.ones([2, 3, 4]), tf.ones([2, 3, 4])];
    const layer = layers.lifNode();
    layer.apply(tf.input({ shape: [3, 4] }));
    await expectNoLeak(() => {
      expect(() => layer.apply([x, y])).toThrow('inputs must be one tensor, but got 2');
    });
    tf.dispose([x, y]);
  });
});
