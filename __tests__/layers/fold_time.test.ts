/** FoldTime: any stock layer on every time step, owned as if it were the wrapper's own. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectSameInAnyBatch } from '../support/compare';
import { compiled, predict, savedAndLoaded, weightValues } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { foldTime } = spiking.layers;
const frames = (shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', 5);

const inners: [name: string, inputShape: number[], make: () => tf.layers.Layer][] = [
  ['conv2d', [3, 5, 5, 2], () => tf.layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same' })],
  ['dense', [3, 4], () => tf.layers.dense({ units: 2, activation: 'tanh' })],
  ['dense on tokens', [3, 2, 4], () => tf.layers.dense({ units: 2 })],
  ['flatten', [3, 2, 4], () => tf.layers.flatten()],
  ['globalAveragePooling2d', [3, 4, 4, 2], () => tf.layers.globalAveragePooling2d({})],
  ['layerNormalization', [3, 2, 4], () => tf.layers.layerNormalization()],
  ['depthwiseConv2d', [2, 4, 4, 2], () => tf.layers.depthwiseConv2d({ kernelSize: 3 })],
];

/** Layers that keep their weights in layers of their own. */
const nested: [name: string, make: () => tf.layers.Layer][] = [
  [
    'a sequential model',
    () =>
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 3, inputShape: [4, 2], name: 'one' }),
          tf.layers.dense({ units: 2, name: 'two' }),
        ],
      }),
  ],
  ['a wrapper', () => tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 3 }) })],
  ['a recurrent layer', () => tf.layers.gru({ units: 3 })],
];

describeEachBackend('foldTime', (backend) => {
  test.each(inners)('of %s does to each step what the layer does to it', (_, inputShape, make) => {
    tf.tidy(() => {
      const inner = make();
      const folded = foldTime({ layer: inner });
      const x = frames([2, ...inputShape]);
      const y = folded.apply(x) as tf.Tensor;
      const steps = tf.unstack(x, 1).map((frame) => inner.apply(frame) as tf.Tensor);
      expectSameInAnyBatch(backend, y, tf.stack(steps, 1));
      expect(folded.computeOutputShape(x.shape)).toEqual(y.shape);
      folded.dispose();
    });
  });

  test('tells the layer whether it is training', () => {
    tf.tidy(() => {
      const folded = foldTime({ layer: tf.layers.dropout({ rate: 0.5, seed: 1 }) });
      const x = tf.ones([2, 3, 50]);
      expect((folded.apply(x) as tf.Tensor).min().dataSync()[0]).toBe(1);
      expect((folded.apply(x, { training: true }) as tf.Tensor).min().dataSync()[0]).toBe(0);
    });
  });

  test.each(nested)('owns the weights of %s: counted, trained, saved', async (_, make) => {
    const folded = foldTime({ layer: make(), inputShape: [3, 4, 2] });
    const model = compiled(
      tf.sequential({ layers: [folded, tf.layers.flatten(), tf.layers.dense({ units: 1 })] }),
    );
    expect(folded.trainableWeights.length).toBeGreaterThanOrEqual(2);
    expect(new Set(model.weights).size).toBe(model.weights.length);
    const [x, y] = [frames([2, 3, 4, 2]), tf.ones([2, 1])];
    const before = predict(model, x);
    await model.trainOnBatch(x, y);
    expect(predict(model, x)).not.toEqual(before);
    const loaded = await savedAndLoaded(model);
    expect(predict(loaded, x)).toEqual(predict(model, x));
    expect(loaded.countParams()).toBe(model.countParams());
    folded.trainable = false;
    expect(model.trainableWeights).toHaveLength(2);
    folded.trainable = true;
    expect(model.trainableWeights).toHaveLength(2 + folded.weights.length);
    tf.dispose([x, y]);
    loaded.dispose();
    model.dispose();
  });

  test.each([['a layer', () => tf.layers.dense({ units: 3 })] as const, ...nested])(
    'leaves %s frozen that came frozen',
    async (_, make) => {
      const layer = make();
      layer.trainable = false;
      const folded = foldTime({ layer, inputShape: [3, 4, 2] });
      const model = compiled(
        tf.sequential({ layers: [folded, tf.layers.flatten(), tf.layers.dense({ units: 1 })] }),
      );
      expect(folded.trainableWeights).toHaveLength(0);
      expect(model.trainableWeights).toHaveLength(2);
      expect(folded.nonTrainableWeights.length).toBeGreaterThanOrEqual(2);
      const before = folded.weights.map((weight) => Array.from(weight.read().dataSync()));
      const [x, y] = [frames([2, 3, 4, 2]), tf.ones([2, 1])];
      await model.trainOnBatch(x, y);
      expect(folded.weights.map((weight) => Array.from(weight.read().dataSync()))).toEqual(before);
      tf.dispose([x, y]);
      model.dispose();
    },
  );

  test('of a layer with a name gives its weights names below it', () => {
    const folded = foldTime({ layer: tf.layers.dense({ units: 2, name: 'inner' }), name: 'outer' });
    folded.apply(tf.input({ shape: [3, 4] }));
    expect([...weightValues(folded).keys()]).toEqual(['inner/kernel', 'inner/bias']);
    folded.dispose();
  });

  test('refuses what it cannot fold, and leaks nothing', async () => {
    await expectNoLeak(() => {
      expect(() => foldTime({ layer: undefined as unknown as tf.layers.Layer })).toThrow(
        'layer must be a tf.layers layer, but got undefined',
      );
      expect(() =>
        foldTime({ layer: spiking.layers.lifNode({ stateful: true, name: 'lif' }) }),
      ).toThrow("layer must be stateless: its time steps are folded into the batch, but got 'lif'");
      const layer = tf.layers.dense({ units: 2, name: 'inner' });
      const folded = foldTime({ layer, name: 'folded' });
      expect(() => foldTime({ layer })).toThrow(
        "layer must be a layer that no other layer owns (apply its owner twice instead), but got 'inner'",
      );
      const flat = tf.ones([2, 3]);
      expect(() => folded.apply(flat)).toThrow(
        'The input of folded must be of shape [batch, time, ...], but got [2,3]',
      );
      flat.dispose();
    });
  });
});
