/** What the functions refuse: each error names the argument, what was expected, what came. No tensor is left. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';

/** Parameters as a caller without types may give them. */
type Loose = Record<string, unknown>;

const neuronErrors: [what: string, params: unknown, message: string][] = [
  ['vThreshold NaN', { vThreshold: Number.NaN }, 'vThreshold must be a finite number, but got NaN'],
  ['vThreshold a string', { vThreshold: '1' }, "vThreshold must be a finite number, but got '1'"],
  ['vThreshold null', { vThreshold: null }, 'vThreshold must be a finite number, but got null'],
  [
    'vReset NaN',
    { vReset: Number.NaN },
    'vReset must be a finite number, or null for a soft reset, but got NaN',
  ],
  [
    'vReset a string',
    { vReset: 'soft' },
    "vReset must be a finite number, or null for a soft reset, but got 'soft'",
  ],
  ['vReset at vThreshold', { vReset: 1 }, 'vReset must be less than vThreshold (1), but got 1'],
  [
    'vReset above vThreshold',
    { vThreshold: 0.5, vReset: 2 },
    'vReset must be less than vThreshold (0.5), but got 2',
  ],
  [
    'vThreshold 0 with soft reset',
    { vThreshold: 0, vReset: null },
    'vThreshold must be positive if vReset is null (soft reset), but got 0',
  ],
  ['detachReset 1', { detachReset: 1 }, 'detachReset must be true or false, but got 1'],
  [
    'an unknown surrogate',
    { surrogate: 'Sigmoid' },
    `surrogate must be one of '${spiking.surrogateNames.join("', '")}', but got 'Sigmoid'`,
  ],
  ["an object's member as surrogate", { surrogate: 'toString' }, "but got 'toString'"],
  ['alpha 0', { alpha: 0 }, 'alpha must be a positive finite number, but got 0'],
  ['alpha negative', { alpha: -2 }, 'alpha must be a positive finite number, but got -2'],
  ['alpha NaN', { alpha: Number.NaN }, 'alpha must be a positive finite number, but got NaN'],
  [
    'alpha infinite',
    { alpha: Infinity },
    'alpha must be a positive finite number, but got Infinity',
  ],
  ['a bigint', { alpha: 2n }, 'alpha must be a positive finite number, but got 2n'],
  ['a function', { alpha: () => 2 }, 'alpha must be a positive finite number, but got a function'],
  [
    'a typo',
    { vTreshold: 1 },
    "neuron has no option 'vTreshold'; its options are vThreshold, vReset, detachReset, surrogate, alpha",
  ],
  ['null as options', null, 'config must be an object of options, but got null'],
  ['a number as options', 2, 'config must be an object of options, but got 2'],
];
const lifErrors: typeof neuronErrors = [
  ...neuronErrors,
  ['tau 1', { tau: 1 }, 'tau must be a finite number greater than 1 (time steps), but got 1'],
  ['tau 0.5', { tau: 0.5 }, 'tau must be a finite number greater than 1 (time steps), but got 0.5'],
  [
    'tau 1 without decay',
    { tau: 1, decayInput: false },
    'tau must be a finite number greater than 1 (time steps), but got 1',
  ],
  [
    'tau negative',
    { tau: -2 },
    'tau must be a finite number greater than 1 (time steps), but got -2',
  ],
  [
    'tau NaN',
    { tau: Number.NaN },
    'tau must be a finite number greater than 1 (time steps), but got NaN',
  ],
  [
    'tau infinite',
    { tau: Infinity },
    'tau must be a finite number greater than 1 (time steps), but got Infinity',
  ],
  [
    'tau a string',
    { tau: '2' },
    "tau must be a finite number greater than 1 (time steps), but got '2'",
  ],
  [
    'tau null',
    { tau: null },
    'tau must be a finite number greater than 1 (time steps), but got null',
  ],
  ['decayInput a string', { decayInput: 'no' }, "decayInput must be true or false, but got 'no'"],
];

describeEachBackend('functions refuse', () => {
  let x: tf.Tensor;
  let w: tf.Tensor;
  beforeEach(() => {
    x = tf.ones([2, 3, 4]);
    w = tf.zeros([1]);
  });
  afterEach(() => tf.dispose([x, w]));
  const refused = (run: () => unknown, message: string | RegExp) =>
    expectNoLeak(() => expect(run).toThrow(message));

  test.each(lifErrors)('multiStepLIF: %s', async (_, params, message) => {
    await refused(() => spiking.multiStepLIF(x, params as Loose), message);
    await refused(() => spiking.neuronTrace(x, params as Loose), message);
  });
  test.each(neuronErrors)('multiStepIF: %s', async (_, params, message) => {
    await refused(() => spiking.multiStepIF(x, params as Loose), message);
  });
  test.each(neuronErrors)('multiStepPLIF: %s', async (_, params, message) => {
    await refused(() => spiking.multiStepPLIF(x, w, params as Loose), message);
  });
  test('options of another neuron', async () => {
    await refused(
      () => spiking.multiStepIF(x, { tau: 2 } as Loose),
      "An IF neuron has no option 'tau'",
    );
    await refused(
      () => spiking.multiStepPLIF(x, w, { tau: 2 } as Loose),
      "A PLIF neuron has no option 'tau'",
    );
  });

  test('inputs of a neuron that do not fit', async () => {
    const cases: [tf.Tensor, tf.Tensor | undefined, string][] = [
      [tf.ones([4]), undefined, 'x must be of shape [batch, time, ...], but got [4]'],
      [tf.scalar(1), undefined, 'x must be of shape [batch, time, ...], but got []'],
      [tf.ones([2, 0, 4]), undefined, 'x must be of at least one time step, but got [2,0,4]'],
      [tf.ones([2, 3], 'int32'), undefined, "x must be of dtype float32, but got 'int32'"],
      [
        tf.ones([2, 3, 4]),
        tf.ones([2, 3, 4]),
        'v0 must be of shape [2,4], x without its time axis, but got [2,3,4]',
      ],
      [
        tf.ones([2, 3, 4]),
        tf.ones([1, 4]),
        'v0 must be of shape [2,4], x without its time axis, but got [1,4]',
      ],
      [
        tf.ones([2, 3, 4]),
        tf.ones([2, 4], 'int32'),
        "v0 must be of dtype float32, but got 'int32'",
      ],
    ];
    for (const [input, v0, message] of cases) {
      await refused(() => spiking.multiStepLIF(input, {}, v0), message);
      await refused(() => spiking.multiStepPLIFState(input, w, {}, v0), message);
      tf.dispose([input, v0 ?? []]);
    }
    const [two, whole] = [tf.zeros([2]), tf.zeros([1], 'int32')];
    await refused(() => spiking.multiStepPLIF(x, two), 'w must be a single number, but got [2]');
    await refused(
      () => spiking.multiStepPLIF(x, whole),
      "w must be of dtype float32, but got 'int32'",
    );
    tf.dispose([two, whole]);
  });

  test('surrogates', async () => {
    const name = 'relu' as spiking.SurrogateName;
    await refused(() => spiking.surrogateGradient(x, name), "surrogate must be one of 'sigmoid'");
    await refused(
      () => spiking.surrogateGradient(x, name, 2),
      "surrogate must be one of 'sigmoid'",
    );
    await refused(
      () => spiking.surrogateGradient(x, 'atan', -1),
      'alpha must be a positive finite number, but got -1',
    );
  });

  test('attention', async () => {
    const [flat, other] = [tf.ones([3, 4]), tf.ones([2, 4, 3])];
    const { spikingAttention } = spiking;
    await refused(
      () => spikingAttention(flat, flat, flat),
      'q must be of shape [..., heads, tokens, headDim], but got [3,4]',
    );
    await refused(
      () => spikingAttention(x, other, x),
      'k must be shaped as q [2,3,4], but got [2,4,3]',
    );
    await refused(
      () => spikingAttention(x, x, other),
      'v must be shaped as q [2,3,4], but got [2,4,3]',
    );
    await refused(
      () => spikingAttention(x, x, x, { scale: Number.NaN }),
      'scale must be a finite number, but got NaN',
    );
    tf.dispose([flat, other]);
  });

  test('attention of several heads', async () => {
    const [q, other] = [tf.ones([1, 2, 3, 8]), tf.ones([1, 2, 3, 4])];
    const whole = tf.ones([1, 2, 3, 8], 'int32');
    const attend = spiking.multiHeadSpikingAttention;
    await refused(
      () => attend(x, x, x, { numHeads: 2 }),
      'q must be of shape [batch, time, ...tokens, channels], but got [2,3,4]',
    );
    await refused(
      () => attend(q, q, other, { numHeads: 2 }),
      'v must be shaped as q [1,2,3,8], but got [1,2,3,4]',
    );
    await refused(
      () => attend(q, whole, q, { numHeads: 2 }),
      "k must be of dtype float32, but got 'int32'",
    );
    await refused(
      () => attend(q, q, q, { numHeads: 3 }),
      'numHeads must be a divisor of the 8 channels, but got 3',
    );
    await refused(
      () => attend(q, q, q, { numHeads: 0.5 }),
      'numHeads must be a positive integer, but got 0.5',
    );
    await refused(
      () => attend(q, q, q, { numHeads: 2, scale: Infinity }),
      'scale must be a finite number, but got Infinity',
    );
    await refused(
      () => attend(q, q, q, { numHeads: 2, heads: 2 } as never),
      "multiHeadSpikingAttention has no option 'heads'; its options are numHeads, scale",
    );
    tf.dispose([q, other, whole]);
  });

  test('pooling', async () => {
    const image = tf.ones([1, 4, 4, 1]) as tf.Tensor4D;
    const whole = tf.ones([1, 4, 4, 1], 'int32') as tf.Tensor4D;
    const { maxPool2d } = spiking;
    await refused(
      () => maxPool2d(x as tf.Tensor4D),
      'x must be of shape [batch, height, width, channels], but got [2,3,4]',
    );
    await refused(() => maxPool2d(whole), "x must be of dtype float32, but got 'int32'");
    await refused(
      () => maxPool2d(image, { poolSize: 0 }),
      'poolSize must be a positive integer, but got 0',
    );
    await refused(
      () => maxPool2d(image, { poolSize: 1.5 }),
      'poolSize must be a positive integer, but got 1.5',
    );
    await refused(
      () => maxPool2d(image, { strides: -1 }),
      'strides must be a positive integer, but got -1',
    );
    await refused(
      () => maxPool2d(image, { padding: 2 }),
      'padding must be an integer from 0 to poolSize / 2 (1.5), but got 2',
    );
    await refused(
      () => maxPool2d(image, { poolSize: 5, padding: 0 }),
      'x must be at least 5 pixels per side, but got [1,4,4,1]',
    );
    tf.dispose([image, whole]);
  });

  test('batch norm', async () => {
    const [three, four, whole] = [tf.ones([3]), tf.ones([4]), tf.ones([2, 4], 'int32')];
    const { batchNormTraining, batchNormInference } = spiking;
    await refused(
      () => batchNormTraining(x, three, four),
      'gamma must be of shape [4], one number per channel of x, but got [3]',
    );
    await refused(
      () => batchNormTraining(x, four, three),
      'beta must be of shape [4], one number per channel of x, but got [3]',
    );
    await refused(
      () => batchNormTraining(whole, four, four),
      "x must be of dtype float32, but got 'int32'",
    );
    await refused(
      () => batchNormTraining(four, four, four),
      'x must be of shape [..., channels], but got [4]',
    );
    await refused(
      () => batchNormInference(x, four, four, three, four),
      'mean must be of shape [4], one number per channel of x, but got [3]',
    );
    tf.dispose([three, four, whole]);
  });
});
