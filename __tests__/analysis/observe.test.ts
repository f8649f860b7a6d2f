/** observe: every neuron layer's spikes by path, from a model that is left as it was. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { firingRates, walkLayers } from 'tfjs-spikingformer/analysis';
import { describeEachBackend } from '../support/backends';
import { seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { layers } = spiking;

function small(options: { depth?: number } = {}): tf.LayersModel {
  const model = spiking.models.spikingformer({
    inputShape: [8, 8, 2],
    numClasses: 3,
    embedDim: 16,
    depth: 1,
    numHeads: 2,
    timeSteps: 3,
    mlpRatio: 2,
    ...options,
  });
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

const images = () => tf.randomUniform([2, 8, 8, 2], 0, 2, 'float32', 4);

/** Shapes by path; the spikes are disposed of. */
function shapes(spikes: Map<string, tf.Tensor>): [string, number[]][] {
  const found = [...spikes].map(([path, s]): [string, number[]] => [path, s.shape]);
  tf.dispose([...spikes.values()]);
  return found;
}

describeEachBackend('observe', () => {
  test('tells of every neuron layer inside composites, in the order in which they fire', async () => {
    const model = small({ depth: 2 });
    const x = images();
    const block = (name: string): [string, number[]][] => [
      ...['lif', 'q_lif', 'k_lif', 'v_lif', 'attn_lif'].map((lif): [string, number[]] => [
        `${name}/attn/${lif}`,
        [2, 3, 2, 2, 16],
      ]),
      [`${name}/mlp/lif1`, [2, 3, 2, 2, 16]],
      [`${name}/mlp/lif2`, [2, 3, 2, 2, 32]],
    ];
    await expectNoLeak(() => {
      const found = shapes(spiking.observe(model, x));
      const byPath = ([a]: [string, number[]], [b]: [string, number[]]) => a.localeCompare(b);
      const expected: [string, number[]][] = [
        ['tokenizer/stage1/lif', [2, 3, 8, 8, 2]],
        ['tokenizer/stage2/lif', [2, 3, 8, 8, 4]],
        ['tokenizer/stage3/lif', [2, 3, 4, 4, 8]],
        ['tokenizer/stage4/lif', [2, 3, 2, 2, 16]],
        ...block('block1'),
        ...block('block2'),
      ];
      expect([...found].sort(byPath)).toEqual([...expected].sort(byPath));
      // The order inside is that of the calls: q, k and v may come in any.
      const order = found.map(([path]) => path);
      const ranks = [
        'stage1',
        'stage4',
        'block1/attn/lif',
        'k_lif',
        'block1/attn/attn_lif',
        'block1/mlp/lif2',
        'block2/attn/lif',
      ];
      const places = ranks.map((part) => order.findIndex((path) => path.includes(part)));
      expect(places).toEqual([...places].sort((a, b) => a - b));
    });
    x.dispose();
    model.dispose();
  });

  test('returns spikes that are the layer output, and outlive a tidy', () => {
    const model = tf.sequential({
      layers: [layers.lifNode({ name: 'lif', inputShape: [3, 4] })],
    });
    const x = tf.randomUniform([2, 3, 4], 0, 3, 'float32', 1);
    let spikes = new Map<string, tf.Tensor>();
    tf.tidy(() => {
      spikes = spiking.observe(model, x);
    });
    const expected = tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync());
    expect(spikes.get('lif')!.dataSync()).toEqual(expected);
    tf.dispose([x, ...spikes.values()]);
  });

  test('goes into nested models, wrappers and layers that are called twice', () => {
    tf.tidy(() => {
      const inner = tf.sequential({
        name: 'inner',
        layers: [
          layers.linearBN({ units: 4, inputShape: [3, 4] }),
          layers.parametricLIFNode({ name: 'plif' }),
        ],
      });
      const shared = layers.spikingMLP({ name: 'shared' });
      const folded = layers.foldTime({
        name: 'folded',
        layer: layers.cmlDownsample({ name: 'down', filters: 4, timeSteps: 2 }),
      });
      const events = tf.input({ shape: [3, 4] });
      let y = inner.apply(events) as tf.SymbolicTensor;
      const tokens = tf.layers.reshape({ targetShape: [3, 1, 4] }).apply(y);
      y = shared.apply(shared.apply(tokens)) as tf.SymbolicTensor;
      const images = tf.layers.reshape({ targetShape: [3, 2, 2, 1] }).apply(y);
      y = folded.apply(images) as tf.SymbolicTensor;
      const model = tf.model({ inputs: events, outputs: y });
      expect(shapes(spiking.observe(model, tf.ones([2, 3, 4])))).toEqual([
        ['inner/plif', [2, 3, 4]],
        ['shared/lif1', [2, 3, 1, 4]],
        ['shared/lif2', [2, 3, 1, 16]],
        ['shared/lif1#2', [2, 3, 1, 4]],
        ['shared/lif2#2', [2, 3, 1, 16]],
        ['folded/down/lif', [6, 2, 1, 1, 4]],
      ]);
    });
  });

  test('has nothing to tell of a model without neurons', () => {
    tf.tidy(() => {
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
      expect(spiking.observe(model, tf.ones([1, 2])).size).toBe(0);
    });
  });

  test('in training mode sees other spikes, and leaves every weight and statistic as it was', async () => {
    const model = small();
    const x = images();
    const weights = () => model.getWeights().map((weight) => Array.from(weight.dataSync()));
    const before = weights();
    const run = (training: boolean) => {
      const spikes = spiking.observe(model, x, { training });
      const numbers = [...spikes.values()].map((s) => Array.from(s.dataSync()));
      tf.dispose([...spikes.values()]);
      return numbers;
    };
    const evaluated = run(false);
    await expectNoLeak(() => {
      expect(run(true)).not.toEqual(evaluated);
    });
    expect(weights()).toEqual(before);
    expect(run(false)).toEqual(evaluated);
    x.dispose();
    model.dispose();
  });

  test('hears nothing after it, and leaks nothing when the model throws', async () => {
    const model = small();
    const [x, bad] = [images(), tf.ones([2, 8, 8, 5])];
    await expectNoLeak(() => {
      const seen = spiking.observe(model, x);
      tf.dispose(model.predict(x));
      expect(seen.size).toBe(11);
      tf.dispose([...seen.values()]);
      expect(() => spiking.observe(model, bad)).toThrow();
      expect(() => spiking.observe(model, bad, { training: true })).toThrow();
    });
    tf.dispose([x, bad]);
    model.dispose();
  });

  test('firingRates are the means of the spikes', async () => {
    const model = small();
    const x = images();
    await expectNoLeak(() => {
      const rates = firingRates(model, x);
      const spikes = spiking.observe(model, x);
      expect([...rates.keys()]).toEqual([...spikes.keys()]);
      for (const [path, s] of spikes) {
        const numbers = Array.from(s.dataSync());
        expect(rates.get(path)).toBeCloseTo(numbers.reduce((a, b) => a + b) / numbers.length, 5);
      }
      expect(Math.max(...rates.values())).toBeGreaterThan(0);
      tf.dispose([...spikes.values()]);
    });
    x.dispose();
    model.dispose();
  });
});

test('walkLayers visits parents before children, with their paths', () => {
  const model = small();
  const paths: string[] = [];
  walkLayers(model, (layer, path) => {
    expect(path.endsWith(layer.name)).toBe(true);
    paths.push(path);
  });
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths).toEqual(
    expect.arrayContaining([
      'tokenizer',
      'tokenizer/stage1/conv_bn/bn',
      'block1/attn/q/bn',
      'head',
    ]),
  );
  expect(paths.indexOf('block1')).toBeLessThan(paths.indexOf('block1/mlp/fc1'));
  model.dispose();
});
