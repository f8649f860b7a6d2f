/** Activity of small networks as observe reports it, and the energy that follows from it. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import {
  activityTable,
  countOperations,
  energy,
  energySvg,
  energyTable,
  measureActivity,
  measureActivityAsync,
} from 'tfjs-spikingformer/analysis';
import { describeEachBackend } from '../support/backends';
import { seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';
import { small } from './small_network';

const { layers, models } = spiking;

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
