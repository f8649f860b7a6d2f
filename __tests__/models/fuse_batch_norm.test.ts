/** Models for inference, their batch norms fused: against the models that they were made from. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose, expectSpikesEqual } from '../support/compare';
import { compiled, savedAndLoaded, seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { layers, models } = spiking;
const small = { numClasses: 3, embedDim: 16, depth: 1, numHeads: 4, attnVThreshold: 0.2 };

/** With weights and statistics of its own in every layer. */
function seeded(model: tf.LayersModel): tf.LayersModel {
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

const stack = (list: tf.layers.Layer[]) => seeded(tf.sequential({ layers: list }));

/** Every layer class with a batch norm inside, and several places for it to be. */
const kinds: [string, number[], () => tf.LayersModel][] = [
  [
    'a Spikingformer of images',
    [8, 8, 2],
    () => seeded(models.spikingformer({ ...small, inputShape: [8, 8, 2], timeSteps: 3 })),
  ],
  [
    'a Spikformer of events',
    [2, 8, 8, 2],
    () => seeded(models.spikformer({ ...small, inputShape: [2, 8, 8, 2] })),
  ],
  [
    'ConvBN with a bias and strides, in a sequential model',
    [2, 7, 6, 3],
    () =>
      stack([
        layers.convBN({ inputShape: [2, 7, 6, 3], filters: 5, strides: 2, useBias: true }),
        layers.parametricLIFNode({}),
        layers.linearBN({ units: 40 }),
        layers.lifNode({}),
        layers.cmlDownsample({ filters: 4, kernelSize: 5, order: 'conv-bn-lif-pool' }),
        layers.rateReadout(),
        tf.layers.dense({ units: 2 }),
      ]),
  ],
  [
    'ConvBN inside of FoldTime, before a batch norm of its own',
    [2, 2, 5, 5, 3],
    () =>
      stack([
        layers.foldTime({
          inputShape: [2, 2, 5, 5, 3],
          layer: layers.convBN({ filters: 4, name: 'inner' }),
        }),
        layers.batchNormOverTime(),
      ]),
  ],
];

const inputOf = (shape: number[]) => tf.randomUniform([2, ...shape], 0, 2, 'float32', 9);

/** What a model answers, and every layer's spikes. */
function expectSame(fused: tf.LayersModel, model: tf.LayersModel, x: tf.Tensor): void {
  tf.tidy(() => {
    const answer = (each: tf.LayersModel) => each.predict(x) as tf.Tensor;
    expectForwardClose(answer(fused), answer(model), 'outputs');
    const expected = spiking.observe(model, x);
    const actual = spiking.observe(fused, x);
    expect([...actual.keys()]).toEqual([...expected.keys()]);
    for (const [path, spikes] of expected) expectSpikesEqual(actual.get(path)!, spikes, path);
  });
}

describeEachBackend('models.fuseBatchNorm', () => {
  test.each(kinds)(
    'of %s answers and fires alike, saved and loaded too',
    async (_, shape, build) => {
      const [model, x] = [build(), inputOf(shape)];
      const fused = models.fuseBatchNorm(model);
      expectSame(fused, model, x);
      const norms = (each: tf.LayersModel) =>
        each.weights.filter(({ originalName }) => /\/bn\//.test(originalName)).length;
      expect(norms(model)).toBeGreaterThan(0);
      expect(norms(fused)).toBe(0);

      const loaded = await savedAndLoaded(fused);
      expectSame(loaded, model, x);
      expect(loaded.countParams()).toBe(fused.countParams());
      for (const each of [model, fused, loaded]) each.dispose();
      x.dispose();
    },
  );

  test('leaves the model as it was, and gives all back', async () => {
    const [, shape, build] = kinds[0]!;
    const [model, x] = [build(), inputOf(shape)];
    const before = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    await expectNoLeak(() => {
      const fused = models.fuseBatchNorm(model);
      (fused.predict(x) as tf.Tensor).dispose();
      fused.dispose();
    });
    expect(model.getWeights().map((weight) => Array.from(weight.dataSync()))).toEqual(before);
    model.dispose();
    x.dispose();
  });

  test('passes gradients to its input, and refuses to train', async () => {
    const [, shape, build] = kinds[0]!;
    const [model, x] = [build(), inputOf(shape)];
    const fused = models.fuseBatchNorm(model);
    tf.tidy(() => {
      const gradient = (each: tf.LayersModel) =>
        tf.grad((input) => (each.apply(input) as tf.Tensor).square().sum().asScalar())(x);
      const [actual, expected] = [gradient(fused), gradient(model)];
      expect(expected.abs().max().dataSync()[0]).toBeGreaterThan(0);
      expectForwardClose(actual.div(expected.abs().max()), expected.div(expected.abs().max()));
    });
    const y = tf.zeros([2, 3]);
    await expect(compiled(fused).fit(x, y)).rejects.toThrow(/is fused for inference/);
    for (const each of [model, fused]) each.dispose();
    tf.dispose([x, y]);
  });

  test('says what it cannot fuse', () => {
    const stock = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [4, 4, 1], filters: 2, kernelSize: 3 }),
        tf.layers.batchNormalization(),
      ],
    });
    expect(() => models.fuseBatchNorm(stock)).toThrow(
      /model must be one with a batch norm to fuse.*Conv2D, BatchNormalization/,
    );
    const [, , build] = kinds[2]!;
    const inner = build();
    const fused = models.fuseBatchNorm(inner);
    expect(() => models.fuseBatchNorm(fused)).toThrow(/a batch norm to fuse/);
    const nested = tf.sequential({ layers: [inner as tf.Sequential] });
    expect(() => models.fuseBatchNorm(nested)).toThrow(/fuse an inner model separately/);
    expect(() => models.fuseBatchNorm(undefined as unknown as tf.LayersModel)).toThrow(
      /model must be a tf.LayersModel/,
    );
    for (const each of [stock, nested, fused]) each.dispose();
  });
});
