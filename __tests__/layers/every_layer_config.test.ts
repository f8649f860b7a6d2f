/** What every layer must be, whatever the backend: class, config, weights' names, freezing, a place in models and files. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import '../support/backends';
import { layerCases } from '../support/layer_cases';
import {
  changed,
  compiled,
  describeEachLayer,
  modelWith,
  nameInside,
  predict,
  sampleInput,
  savedAndLoaded,
  savedArtifacts,
  weightValues,
} from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

type LayerClass = typeof tf.layers.Layer &
  tf.serialization.SerializableConstructor<tf.layers.Layer>;
const classOf = (layer: tf.layers.Layer) => layer.constructor as LayerClass;

/** Without the empty `customObjects` that tf.layers adds to a stock initializer's config here and there. */
function plain(config: tf.serialization.ConfigDict): unknown {
  return JSON.parse(
    JSON.stringify(config, (key, value) => (key === 'customObjects' ? undefined : value)),
  );
}

test('there is a case for every exported layer, and a factory for every class', () => {
  const exported = Object.keys(spiking.layers);
  const classes = exported.filter((name) => /^[A-Z]/.test(name)).sort();
  expect([...new Set(layerCases.map(({ className }) => className))].sort()).toEqual(classes);
  for (const name of classes) {
    const factory = name.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+/, (start) => start.toLowerCase());
    expect(exported).toContain(factory);
  }
});

describe('every layer', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  describeEachLayer((layerCase, sample) => {
    const { className, make, inputShape, outputShape } = layerCase;
    const names = [...layerCase.trainable, ...layerCase.frozen];
    const withShape = (options: object = {}) => make({ inputShape, ...options });

    test('has its class name, and comes back from its config', () => {
      const layer = withShape({ name: 'mine' });
      expect(layer.getClassName()).toBe(className);
      const config = layer.getConfig();
      expect(config.name).toBe('mine');
      const cls = classOf(layer);
      const again = cls.fromConfig(cls, config) as tf.layers.Layer;
      expect(plain(again.getConfig())).toEqual(plain(config));
      const throughJson = JSON.parse(JSON.stringify(config));
      expect(throughJson).toEqual(config);
      const third = cls.fromConfig(cls, throughJson) as tf.layers.Layer;
      expect(plain(third.getConfig())).toEqual(plain(config));
    });

    test('names its weights uniquely, and alike in every model', () => {
      const [one, two] = [withShape(), withShape()];
      const model = modelWith(one, layerCase);
      const other = modelWith(two, layerCase);
      expect(one.weights.map((weight) => nameInside(one, weight))).toEqual(names);
      expect(two.weights.map((weight) => nameInside(two, weight))).toEqual(names);
      expect(one.trainableWeights).toHaveLength(layerCase.trainable.length);
      expect(one.nonTrainableWeights).toHaveLength(layerCase.frozen.length);
      const unique = new Set([...model.weights, ...other.weights].map((weight) => weight.name));
      expect(unique.size).toBe(model.weights.length + other.weights.length);
      const numbers = one.weights.reduce(
        (sum, { shape }) => sum + shape.reduce((a, n) => a! * n!, 1)!,
        0,
      );
      expect(one.countParams()).toBe(numbers);
      model.dispose();
      other.dispose();
    });

    test('gets and sets its weights', () => {
      const layer = withShape();
      const model = modelWith(layer, layerCase);
      const values = layer.weights.map(({ shape }, i) => tf.fill(shape as number[], i + 0.5));
      layer.setWeights(values);
      layer.getWeights().forEach((weight, i) => {
        expect(weight.shape).toEqual(values[i]!.shape);
        expect(new Set(weight.dataSync())).toEqual(new Set([i + 0.5]));
      });
      tf.dispose(values);
      model.dispose();
    });

    test('is listed by summary with its shape and its number of parameters', () => {
      const layer = withShape({ name: 'mine' });
      const model = modelWith(layer, layerCase);
      const lines: string[] = [];
      model.summary(120, [0.5, 0.8, 1], (line) => lines.push(line));
      const line = lines.find((text) => text.includes(`mine (${className})`));
      expect(line).toContain(`[null,${outputShape}]`);
      expect(line).toMatch(new RegExp(`\\s${layer.countParams()}\\s*$`));
      model.dispose();
    });

    test('takes weights as an option', () => {
      const model = modelWith(withShape(), layerCase);
      const [original] = model.layers;
      const other = withShape({ weights: original!.getWeights() });
      other.apply(tf.input({ shape: inputShape }));
      expect(weightValues(other)).toEqual(weightValues(original!));
      model.dispose();
      other.dispose();
    });

    test('keeps its weights and statistics while frozen, and learns when it is not', async () => {
      const layer = withShape({ trainable: false });
      const model = modelWith(layer, layerCase);
      const learnt = names.filter((name) => !layerCase.idle?.includes(name));
      const step = async (): Promise<string[]> => {
        const before = weightValues(layer);
        await compiled(model).trainOnBatch(sample.x, sample.y);
        return changed(before, weightValues(layer));
      };
      // Frozen by its constructor.
      expect(layer.trainableWeights).toHaveLength(0);
      expect(layer.weights.map((weight) => nameInside(layer, weight))).toEqual(names);
      expect(model.trainableWeights).toHaveLength(2);
      const stockBN = layerCase.variant === 'of batchNormalization';
      const moves = stockBN ? layerCase.frozen : []; // tf.layers' own batch norm moves them even then
      expect(await step()).toEqual(moves);
      // Unfrozen.
      layer.trainable = true;
      expect(layer.trainableWeights).toHaveLength(layerCase.trainable.length);
      expect((await step()).sort()).toEqual(learnt.sort());
      // Frozen by the setter.
      layer.trainable = false;
      expect(layer.trainableWeights).toHaveLength(0);
      expect(await step()).toEqual(moves);
      // Frozen with the whole model.
      layer.trainable = true;
      model.trainable = false;
      expect(model.trainableWeights).toHaveLength(0);
      const before = weightValues(layer);
      tf.dispose(model.apply(sample.x, { training: true }) as tf.Tensor);
      expect(changed(before, weightValues(layer))).toEqual(moves);
      model.trainable = true;
      expect((await step()).length).toBeGreaterThanOrEqual(learnt.length > 0 ? 1 : 0);
      model.dispose();
    });

    test('stays frozen in a file', async () => {
      const layer = withShape({ trainable: false });
      const model = modelWith(layer, layerCase);
      const loaded = await savedAndLoaded(model);
      expect(loaded.layers[0]!.trainable).toBe(false);
      expect(loaded.trainableWeights).toHaveLength(2);
      loaded.dispose();
      model.dispose();
    });

    test('is saved and loaded: same predictions, same names, same config', async () => {
      const layer = withShape({ name: 'mine' });
      const model = modelWith(layer, layerCase);
      await model.trainOnBatch(sample.x, sample.y);
      const loaded = await savedAndLoaded(model);
      expect(loaded.layers[0]!.getClassName()).toBe(className);
      expect(loaded.layers[0]!.getConfig()).toEqual(layer.getConfig());
      expect(loaded.weights.map((w) => w.originalName)).toEqual(
        model.weights.map((w) => w.originalName),
      );
      expect(weightValues(loaded.layers[0]!)).toEqual(weightValues(layer));
      expect(predict(loaded, sample.x)).toEqual(predict(model, sample.x));
      await compiled(loaded).trainOnBatch(sample.x, sample.y);
      loaded.dispose();
      model.dispose();
    });

    test('can be called at two places of a model, with one set of weights', async () => {
      const layer = make({ name: 'shared' });
      const inputs = [tf.input({ shape: inputShape }), tf.input({ shape: inputShape })];
      const outputs = inputs.map((input) => layer.apply(input) as tf.SymbolicTensor);
      const sum = tf.layers.add().apply(outputs) as tf.SymbolicTensor;
      const model = tf.model({ inputs, outputs: sum });
      expect(model.weights).toHaveLength(names.length);
      const other = sampleInput(layerCase, 2, 12);
      const expected = tf.tidy(() =>
        Array.from(
          (layer.apply(sample.x) as tf.Tensor).add(layer.apply(other) as tf.Tensor).dataSync(),
        ),
      );
      expect(predict(model, [sample.x, other])).toEqual(expected);
      const loaded = await savedAndLoaded(model);
      expect(predict(loaded, [sample.x, other])).toEqual(expected);
      other.dispose();
      loaded.dispose();
      model.dispose();
    });

    test('can stand twice in one model, without names, and be saved and loaded', async () => {
      const input = tf.input({ shape: inputShape });
      const outputs = [make(), make()].map((layer) => layer.apply(input) as tf.SymbolicTensor);
      const model = tf.model({
        inputs: input,
        outputs: tf.layers.add().apply(outputs) as tf.SymbolicTensor,
      });
      const originalNames = model.weights.map((weight) => weight.originalName);
      expect(new Set(originalNames).size).toBe(2 * names.length);
      const loaded = await savedAndLoaded(model);
      expect(loaded.weights.map((weight) => weight.originalName)).toEqual(originalNames);
      expect(predict(loaded, sample.x)).toEqual(predict(model, sample.x));
      loaded.dispose();
      model.dispose();
    });

    test('does not load with an option that it does not know', async () => {
      const model = modelWith(withShape(), layerCase);
      const artifacts = await savedArtifacts(model);
      const topology = artifacts.modelTopology as {
        config: { layers: { config: Record<string, unknown> }[] };
      };
      topology.config.layers[0]!.config.tua = 2;
      await expectNoLeak(() =>
        expect(tf.loadLayersModel(tf.io.fromMemory(artifacts))).rejects.toThrow(
          `${className} has no option 'tua'; its options are `,
        ),
      );
      model.dispose();
    });
  });
});
