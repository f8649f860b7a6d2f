/** Operations, activity and energy of small networks, against numbers counted by hand. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import {
  activityTable,
  countOperations,
  energy,
  energyOf,
  energySvg,
  energyTable,
  measureActivity,
  measureActivityAsync,
} from 'tfjs-spikingformer/analysis';
import { describeEachBackend } from '../support/backends';
import { seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { layers, models } = spiking;

/** One time step is 4 x 4 pixels of 2 channels; a dense head on 3 x 4 x 4 x 5 numbers' rates. */
function small(timeSteps = 3): tf.Sequential {
  const model = tf.sequential({
    layers: [
      layers.cmlDownsample({
        name: 'down',
        filters: 5,
        poolSize: 1,
        poolStrides: 1,
        timeSteps,
        inputShape: [4, 4, 2],
      }),
      layers.convBN({ name: 'conv', filters: 6, useBias: true }),
      layers.lifNode({ name: 'lif' }),
      layers.rateReadout({ name: 'readout' }),
      tf.layers.dense({ name: 'head', units: 7 }),
    ],
  });
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

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

describeEachBackend('activity', () => {
  test('is what observe sees, whatever the batches, and nothing leaks', async () => {
    const model = models.spikingformer({
      inputShape: [8, 8, 2],
      numClasses: 3,
      embedDim: 16,
      depth: 1,
      numHeads: 4,
      timeSteps: 3,
      attnVThreshold: 0.2,
    });
    for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
    const x = tf.randomUniform([5, 8, 8, 2], 0, 2, 'float32', 9);
    const spikes = spiking.observe(model, x);
    await expectNoLeak(() => {
      const activity = measureActivity(model, x, { batchSize: 2 });
      expect(activity.samples).toBe(5);
      expect([...activity.neurons.keys()]).toEqual([...spikes.keys()]);
      for (const [path, { kind, density, perStep }] of activity.neurons) {
        const tensor = spikes.get(path)!;
        expect(kind).toBe('spikes');
        const expected = tf.tidy(() => tensor.mean().dataSync()[0]!);
        expect(density).toBeCloseTo(expected, 6);
        tf.tidy(() => {
          const steps = tf.unstack(tensor, 1).map((step) => step.mean().dataSync()[0]!);
          expect(perStep).toHaveLength(3);
          perStep.forEach((rate, t) => {
            expect(rate).toBeCloseTo(steps[t]!, 6);
          });
        });
      }
      const { inputs } = activity;
      expect(inputs.get('tokenizer/stage1/conv_bn')).toMatchObject({ kind: 'real' });
      expect(inputs.get('tokenizer/stage1/conv_bn')!.perStep).toHaveLength(3);
      expect(inputs.get('head')).toMatchObject({ kind: 'real' });
      const [fed, fired] = ['block1/mlp/fc1', 'block1/mlp/lif1'];
      expect(inputs.get(fed!)!.density).toBeCloseTo(activity.neurons.get(fired!)!.density, 6);
      const paths = countOperations(model).layers.filter(({ kind }) => kind !== 'attention');
      expect([...inputs.keys()].sort()).toEqual(paths.map(({ path }) => path).sort());
    });
    tf.dispose([...spikes.values(), x]);
    model.dispose();
  });

  test('in training leaves the running statistics as they were', () => {
    const model = small();
    const x = tf.randomUniform([4, 4, 4, 2], 0, 2, 'float32', 9);
    const before = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    const trained = measureActivity(model, x, { training: true });
    expect(model.getWeights().map((weight) => Array.from(weight.dataSync()))).toEqual(before);
    expect(trained.neurons.get('lif')).not.toEqual(measureActivity(model, x).neurons.get('lif'));
    x.dispose();
    model.dispose();
  });

  test('batch by batch: progress, others have their turn, a signal ends it', async () => {
    const model = small();
    const x = tf.randomUniform([5, 4, 4, 2], 0, 2, 'float32', 9);
    const done: number[][] = [];
    const onProgress = (...now: [number, number]) => done.push(now);
    const options = { batchSize: 2, training: true };
    const plain = measureActivity(model, x, options);
    expect(await measureActivityAsync(model, x, { ...options, onProgress })).toEqual(plain);
    expect(done).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 0);
    const many = tf.randomUniform([400, 4, 4, 2], 0, 2, 'float32', 9);
    const { signal } = controller;
    await expect(measureActivityAsync(model, many, { batchSize: 1, signal })).rejects.toThrow(
      'enough',
    );
    expect(measureActivity(model, x, options)).toEqual(plain); // its hooks are gone
    tf.dispose([x, many]);
    model.dispose();
  });

  test('pooled spikes count as the convolution sees them', () => {
    const tokenizer = layers.spikingTokenizer({
      name: 'tokenizer',
      embedDim: 8,
      vThreshold: 0.3,
      order: 'conv-bn-lif-pool',
      inputShape: [2, 8, 8, 2],
    });
    const model = tf.sequential({ layers: [tokenizer] });
    seedWeights(tokenizer);
    const x = tf.randomUniform([2, 2, 8, 8, 2], 0, 2, 'float32', 9);
    const { neurons, inputs } = measureActivity(model, x);
    const fired = neurons.get('tokenizer/stage3/lif')!.density;
    expect(inputs.get('tokenizer/stage4/conv_bn')!.density).toBeGreaterThan(fired);
    expect(inputs.get('tokenizer/stage4/conv_bn')!.kind).toBe('spikes');
    x.dispose();
    model.dispose();
  });

  test('sums of spikes are whole numbers: MACs, or ACs where told so', () => {
    const block = layers.spikformerBlock({ name: 'block', numHeads: 2, inputShape: [2, 3, 8] });
    const model = tf.sequential({ layers: [block] });
    seedWeights(block);
    const x = tf.tidy(() => tf.randomUniform([2, 2, 3, 8], 0, 3, 'float32', 9).floor());
    const macs = energy(model, x);
    const row = macs.layers.find(({ path }) => path === 'block/attn/q')!;
    expect(row).toMatchObject({ input: 'whole', macs: row.operations, acs: 0 });
    const acs = energy(model, x, { wholeNumbers: 'ac' });
    const mean = tf.tidy(() => x.mean().dataSync()[0]!);
    const other = acs.layers.find(({ path }) => path === 'block/attn/q')!;
    expect(other.macs).toBe(0);
    expect(other.acs).toBeCloseTo(row.operations * mean, 1);
    x.dispose();
    model.dispose();
  });

  test('table and picture name every layer and assumption', () => {
    const model = small();
    const x = tf.randomUniform([2, 4, 4, 2], 0, 2, 'float32', 9);
    const report = energy(model, x, { memory: 'dram' });
    const table = energyTable(report);
    for (const text of ['down/conv_bn', 'head', '4.6 pJ per MAC', "memory 'dram'", 'ratio ']) {
      expect(table).toContain(text);
    }
    const svg = energySvg(report, report.activity, 'a < b & "c"');
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    expect(svg.match(/<rect/g)!.length).toBe(1 + 2 + 2 * 3 + 3); // back, legend, bars, steps of 'conv'
    expect(svg.match(/<text/g)!.length).toBe(svg.match(/<\/text>/g)!.length);
    expect(activityTable(report.activity)).toMatch(/^neurons +rate +sparsity/);
    x.dispose();
    model.dispose();
  });
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
