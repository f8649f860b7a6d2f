/** Operations and energy of small networks, against numbers counted by hand. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countOperations, energyOf, measureActivity } from 'tfjs-spikingformer/analysis';
import { small } from './small_network';

const { layers } = spiking;

const rates = (numbers: Record<string, number>) => new Map(Object.entries(numbers));

beforeAll(() => tf.setBackend('cpu'));

test('operations are counted as multiplications, biases too, at every time step', () => {
  const model = small();
  const { layers: counted, neuronSteps, uncounted } = countOperations(model);
  expect(counted).toEqual([
    {
      path: 'down/conv_bn',
      kind: 'convolution',
      operations: 3 * 16 * 5 * (9 * 2),
      timeSteps: 3,
      outputs: 3 * 16 * 5,
      parameters: 9 * 2 * 5,
    },
    {
      path: 'conv',
      kind: 'convolution',
      operations: 3 * 16 * 6 * (9 * 5 + 1),
      timeSteps: 3,
      outputs: 3 * 16 * 6,
      parameters: 9 * 5 * 6 + 6,
    },
    { path: 'head', kind: 'linear', operations: 7 * 7, timeSteps: 1, outputs: 7, parameters: 49 },
  ]);
  expect(neuronSteps).toBe(3 * 16 * 5 + 3 * 16 * 6);
  expect(uncounted).toEqual([]);
  model.dispose();
});

test('attention is two products, in the cheaper order', () => {
  const count = (shape: number[]) => {
    const attention = layers.spikingSelfAttention({ name: 'attn', numHeads: 2, inputShape: shape });
    const model = tf.sequential({ layers: [attention] });
    const found = countOperations(model).layers;
    model.dispose();
    return found;
  };
  const many = count([2, 9, 8]); // 9 tokens, heads of 4: q (kT v)
  expect(many.map(({ path }) => path)).toEqual(
    ['q', 'k', 'v', 'product', 'proj'].map((name) => `attn/${name}`),
  );
  expect(many[3]).toMatchObject({
    operations: 2 * (2 * 2 * 9 * 4 * 4),
    factors: ['attn/k_lif', 'attn/v_lif', 'attn/q_lif'],
  });
  expect(count([2, 3, 8])[3]).toMatchObject({
    operations: 2 * (2 * 2 * 3 * 3 * 4),
    factors: ['attn/q_lif', 'attn/k_lif', 'attn/v_lif'],
  });
});

test('stock layers count, folded over time or not; a layer without a rule is named', () => {
  const model = tf.sequential({
    layers: [
      layers.foldTime({
        name: 'fold',
        inputShape: [2, 4, 4, 3],
        layer: tf.layers.conv2d({ name: 'conv', filters: 5, kernelSize: 3, useBias: false }),
      }),
      tf.layers.reshape({ targetShape: [2, 20] }),
      tf.layers.lstm({ name: 'memory', units: 3 }),
    ],
  });
  const { layers: counted, uncounted } = countOperations(model);
  expect(counted).toMatchObject([{ path: 'fold/conv', operations: 2 * 4 * 5 * 27, timeSteps: 2 }]);
  expect(uncounted[0]).toBe('memory');
  model.dispose();
});

test('spikes cost accumulates, other numbers multiply-accumulates', () => {
  const model = small();
  const count = countOperations(model);
  const report = energyOf(count, rates({ conv: 0.25 }));
  const [first, conv, head] = [3 * 16 * 5 * 18, 3 * 16 * 6 * 46, 49];
  expect(report.totals).toMatchObject({ macs: first + head, acs: conv / 4, memoryMJ: 0 });
  const picojoules = 4.6 * (first + head) + 0.9 * (conv / 4);
  expect(report.totals.totalMJ * 1e9).toBeCloseTo(picojoules, 6);
  const dense = (first + conv) / 3 + head;
  expect(report.dense).toMatchObject({ macs: dense, acs: 0 });
  expect(report.ratio).toBeCloseTo(picojoules / (4.6 * dense), 10);
  const free = { name: 'mine', macPJ: 1, acPJ: 0, source: 'a test' };
  expect(energyOf(count, rates({ conv: 0.25 }), { assumptions: free }).totals.totalMJ).toBeCloseTo(
    (first + head) * 1e-9,
    15,
  );
  model.dispose();
});

test('memory: two words a MAC, three an AC, each output, and every membrane at every step', () => {
  const model = small();
  const report = energyOf(countOperations(model), rates({ conv: 0.5 }), { memory: 'sram-8k' });
  const [first, conv, head] = [3 * 16 * 5 * 18, 3 * 16 * 6 * 46, 49];
  const outputs = 3 * 16 * 11 + 7;
  const words = 2 * (first + head) + 3 * (conv / 2) + outputs + 2 * (3 * 16 * 11);
  expect(report.totals.memoryMJ * 1e9).toBeCloseTo(5 * words, 6);
  const { totalMJ, computeMJ, memoryMJ } = report.totals;
  expect(totalMJ).toBeCloseTo(computeMJ + memoryMJ, 12);
  expect(report.assumptions.memory).toBe('sram-8k');
  model.dispose();
});

describe('errors', () => {
  const count = () => {
    const model = small();
    const found = countOperations(model);
    model.dispose();
    return found;
  };
  test.each([
    [{ assumptions: 'horowitz' }, "assumptions must be one of 'spikingformer', 'int8', but got"],
    [{ memory: 'disk' }, "memory must be one of 'sram-8k'"],
    [{ wholeNumbers: 'both' }, "wholeNumbers must be one of 'mac', 'ac', but got 'both'"],
    [{ watts: 3 }, "energyOf has no option 'watts'"],
    [
      { assumptions: { name: 'x', macPJ: -1, acPJ: 1, source: '' } },
      'assumptions.macPJ must be not negative, but got -1',
    ],
  ])('%j', (options, message) => {
    expect(() => energyOf(count(), rates({}), options as never)).toThrow(message);
  });

  test('rates beyond 1; activity of another model; shapes that are not known', () => {
    expect(() => energyOf(count(), rates({ conv: 30 }))).toThrow(
      'The rate of conv must be a number from 0 to 1, but got 30',
    );
    const attention = tf.sequential({
      layers: [layers.spikingSelfAttention({ name: 'attn', numHeads: 2, inputShape: [2, 3, 8] })],
    });
    const maps = { 'attn/q': 0.1, 'attn/k': 0.1, 'attn/v': 0.1, 'attn/proj': 0.1 };
    expect(() => energyOf(countOperations(attention), rates(maps))).toThrow(
      'rates must have an entry for attn/q_lif, a factor of attn/product, but got none',
    );
    attention.dispose();
    const none = { samples: 1, neurons: new Map(), inputs: new Map() };
    expect(() => energyOf(count(), none)).toThrow('activity has no input for layer down/conv_bn');
    const open = tf.sequential({
      layers: [layers.convBN({ name: 'open', filters: 2, inputShape: [2, null, null, 3] })],
    });
    expect(() => countOperations(open)).toThrow(
      'The shape of open must be known except for the batch',
    );
    open.dispose();
  });

  test('a stateful model, or no sample', () => {
    const model = tf.sequential({
      layers: [layers.lifNode({ stateful: true, inputShape: [2, 3] })],
    });
    const x = tf.ones([1, 2, 3]);
    expect(() => measureActivity(model, x)).toThrow('model must be stateless');
    const other = small();
    const nothing = tf.zeros([0, 4, 4, 2]);
    expect(() => measureActivity(other, nothing)).toThrow(
      'x must be a tensor of at least one sample',
    );
    expect(() => measureActivity(other, nothing, { batchSize: 0 })).toThrow('batchSize must be');
    tf.dispose([x, nothing]);
    model.dispose();
    other.dispose();
  });
});
