/** SpikeBERT's presets, keys and errors; padding, positions, time steps, energy; and a first step of training. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { energy } from 'tfjs-spikingformer/analysis';
import {
  spikeBertOutputs,
  spikeBertStageOne,
  spikeBertStageTwo,
} from 'tfjs-spikingformer/training';
import { networkConfig } from '../../models/network_config';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import { expectForwardClose, loadJson } from '../support/fixtures';
import { savedAndLoaded } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

interface Preset {
  name: string;
  arguments: { depths: number; length: number; tau: number; T: number; dim: number; vocab: number };
  parameters: number;
  state_dict_entries: number;
}

const { presets } = loadJson<{ presets: Preset[] }>('presets/presets_text');
const small = { inputShape: [6], numClasses: 3, vocabSize: 9, embedDim: 8, depth: 2, numHeads: 2 };
const ids = (...rows: number[][]) => tf.tensor2d(rows, undefined, 'int32');

beforeAll(() => tf.setBackend('cpu'));

test.each([
  ['spikebert-12-768', 'SpikeBERT distill depth 12'],
  ['spikebert-6-768-wiki', 'SpikeBERT pre-distill depth 6'],
  ['spikebert-6-768-mr', 'direct training MR depth 6'],
])('%s is %s: its arguments, parameters and entries', (name, theirs) => {
  const { arguments: a, ...expected } = presets.find((preset) => preset.name === theirs)!;
  expect(spiking.models.presetConfig(name)).toMatchObject({
    ...{ inputShape: [a.length], depth: a.depths, embedDim: a.dim, vocabSize: a.vocab },
    ...{ tau: a.tau, timeSteps: a.T },
  });
  const model = buildFast(() => spiking.models.create(name));
  expect(spiking.models.countParameters(model).parameters).toBe(expected.parameters);
  const entries = model.layers.flatMap(({ weights }) => weights);
  expect(entries).toHaveLength(expected.state_dict_entries);
  model.dispose();
});

test("has the authors' keys, in their order, and their shapes", () => {
  const expected = loadJson<Record<string, { shape: number[] }>>('presets/keys_spikebert_depth12');
  const narrow = { embedDim: 16, vocabSize: 10, numHeads: 2 };
  const model = buildFast(() => spiking.models.create('spikebert-12-768', narrow));
  const sizes: Record<number, number> = { 768: 16, 3072: 64, 28996: 10 };
  const found = Object.entries(spiking.interop.toTorchStateDict(model));
  expect(found.map(([key, { shape }]) => [key, shape])).toEqual(
    Object.entries(expected).map(([key, { shape }]) => [key, shape.map((n) => sizes[n] ?? n)]),
  );
  model.dispose();
});

test('without a classifier is recognized as the student of the first stage', () => {
  const model = spiking.models.spikeBert({ ...small, numClasses: null });
  expect(model.outputShape).toEqual([null, 8]);
  const stateDict = spiking.interop.toTorchStateDict(model);
  const args = { heads: 2, T: 4, length: 6, tau: 2, common_thr: 0.75 };
  const { preset, config } = spiking.interop.recognizePreset(stateDict, { args });
  expect(preset).toBe('spikebert-6-768-wiki');
  expect(config).toMatchObject({ depth: 2, vThreshold: 0.75, inputShape: [6], timeSteps: 4 });
  const again = spiking.models.create(preset, config);
  spiking.interop.loadTorchStateDict(again, stateDict);
  expect(again.outputShape).toEqual([null, 8]);
  model.dispose();
  again.dispose();
});

test('says what neither shapes nor arguments tell', () => {
  const model = spiking.models.spikeBert(small);
  const stateDict = spiking.interop.toTorchStateDict(model);
  expect(() => spiking.interop.recognizePreset(stateDict)).toThrow(
    /no preset has these sizes \(.*vocabSize 9.*3 classes\).*numHeads, inputShape, tau/,
  );
  model.dispose();
});

test('with padId a sentence is answered alike however far it is padded; without, it is not', () => {
  tf.tidy(() => {
    const answer = (padId: number | null) => {
      const model = spiking.models.spikeBert({ ...small, padId, vThreshold: 0.3 });
      const weights = model
        .getWeights()
        .map(({ shape }, i) => tf.randomNormal(shape, 0.1, 0.6, 'float32', i));
      model.setWeights(weights);
      const long = spiking.models.withInputShape(model, [10]);
      return [
        model.predict(ids([4, 2, 7, 1, 0, 0])) as tf.Tensor,
        long.predict(ids([4, 2, 7, 1, 0, 0, 0, 0, 0, 0])) as tf.Tensor,
      ] as const;
    };
    expectForwardClose(...answer(0));
    const [a, b] = answer(null);
    expect(a.sub(b).abs().max().dataSync()[0]).toBeGreaterThan(1e-2);
  });
});

test('with positions the order of tokens matters, and the length is fixed', () => {
  tf.tidy(() => {
    const model = spiking.models.spikeBert({ ...small, positions: true, vThreshold: 0.3 });
    const weights = model
      .getWeights()
      .map(({ shape }, i) => tf.randomNormal(shape, 0, 1, 'float32', i));
    model.setWeights(weights);
    const sentence = ids([4, 2, 7, 1, 3, 5]);
    const [a, b] = [sentence, sentence.reverse(1)].map((x) => model.predict(x) as tf.Tensor);
    expect(a!.sub(b!).abs().max().dataSync()[0]).toBeGreaterThan(1e-2);
    expect(() => spiking.models.withInputShape(model, [10])).toThrow('depend on its input shape');
    expect(Object.keys(spiking.interop.toTorchStateDict(model))).toContain('positions.weight');
  });
});

test('tells its configuration, is saved and loaded, and runs at other time steps', async () => {
  const config = {
    ...small,
    padId: 0,
    tau: 1.5,
    surrogate: 'sigmoid' as const,
    alpha: 3,
    scale: 0.5,
  };
  const model = spiking.models.spikeBert({ ...config, timeSteps: 3 });
  expect(networkConfig(model)!.config).toMatchObject({ ...config, timeSteps: 3 });
  const loaded = await savedAndLoaded(model);
  const x = ids([4, 2, 7, 1, 0, 0], [1, 1, 1, 1, 1, 2]);
  const [one, two] = [model, loaded].map((m) => (m.predict(x) as tf.Tensor).dataSync());
  expect(one).toEqual(two);
  expect(spiking.models.logitsPerStep(spiking.models.withTimeSteps(loaded, 7), x).shape).toEqual([
    2, 7, 3,
  ]);
});

test('has an energy: every map counted, transforms and look-ups free', () => {
  const model = spiking.models.spikeBert({ ...small, timeSteps: 2 });
  const { layers, uncounted } = energy(model, ids([4, 2, 7, 1, 0, 0], [1, 2, 3, 4, 5, 6]));
  expect(uncounted).toEqual([]);
  const maps = ['attn/q', 'attn/k', 'attn/v', 'attn/product', 'attn/proj', 'mlp/fc1', 'mlp/fc2'];
  expect(layers.map(({ path }) => path)).toEqual([
    ...['block1', 'block2'].flatMap((block) => maps.map((map) => `${block}/${map}`)),
    'head',
  ]);
  const q = layers[0]!;
  expect(q.operations).toBe(2 * 6 * 8 * (8 + 1)); // time, tokens, units times channels and bias
  expect(q.input).toBe('spikes');
  model.dispose();
});

test('has no batch norm to fuse, which fuseBatchNorm says; beside one, layer norms stay', () => {
  const model = spiking.models.spikeBert(small);
  expect(() => spiking.models.fuseBatchNorm(model)).toThrow('one with a batch norm to fuse');
  model.dispose();
  const { linearBN, linearLN } = spiking.layers;
  const mixed = tf.sequential({
    layers: [linearBN({ units: 4, inputShape: [2, 3, 4] }), linearLN({ units: 5 })],
  });
  tf.tidy(() => {
    const x = tf.randomNormal([2, 2, 3, 4]);
    const fused = spiking.models.fuseBatchNorm(mixed);
    expectForwardClose(fused.predict(x) as tf.Tensor, mixed.predict(x) as tf.Tensor);
    fused.dispose();
  });
  mixed.dispose();
});

test('plain training leaves the transforms as they are, either stage of distillation moves them', () => {
  const [student, other] = [spiking.models.spikeBert(small), spiking.models.spikeBert(small)];
  tf.tidy(() => {
    const x = ids([4, 2, 7, 1, 0, 0]);
    const targets = tf.tensor2d([[0, 0, 1]]);
    const teacher = spikeBertOutputs(other, x, { training: false });
    const variables = student.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const named = (loss: () => tf.Scalar) =>
      Object.keys(tf.variableGrads(loss, variables).grads).filter((name) =>
        /^transform/.test(name),
      );
    expect(named(() => (student.apply(x) as tf.Tensor).mul(targets).sum())).toEqual([]);
    expect(named(() => spikeBertStageOne(spikeBertOutputs(student, x), teacher))).toHaveLength(8);
    expect(
      named(() => spikeBertStageTwo(spikeBertOutputs(student, x), teacher, targets).total),
    ).toHaveLength(8);
    const alike = spikeBertStageTwo(teacher, teacher, targets, { crossEntropy: 0 });
    expect(alike.total.dataSync()[0]).toBeCloseTo(0);
    const fewer = { ...teacher, representations: teacher.representations.slice(1) };
    expect(() => spikeBertStageOne(teacher, fewer)).toThrow(
      "teacher.representations must be tensors of the student's shapes",
    );
    const narrow = { ...teacher, embeddings: tf.ones([9, 4]) };
    expect(() => spikeBertStageTwo(teacher, narrow, targets)).toThrow(
      "teacher.embeddings must be of the student's shape [9,8]",
    );
    const { logits: _, ...headless } = teacher;
    expect(() => spikeBertStageTwo(teacher, headless, targets)).toThrow(
      "teacher.logits must be of the student's shape [1,3]",
    );
  });
  student.dispose();
  other.dispose();
});

test('spikeBertOutputs is of spikeBert alone', () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
  expect(() => spikeBertOutputs(model, tf.ones([1, 3]))).toThrow(
    'model must be a model of models.spikeBert',
  );
  model.dispose();
});

test.each<[object, string]>([
  [{ inputShape: [6, 2] }, 'inputShape must be [length], the tokens of a sentence, but got [6,2]'],
  [{ inputShape: [0] }, 'inputShape[0] must be a positive integer, but got 0'],
  [{ numHeads: 3 }, 'numHeads must be a divisor of embedDim (8), but got 3'],
  [{ vocabSize: undefined }, 'vocabSize must be a positive integer, but got undefined'],
  [{ numClasses: undefined }, 'numClasses must be a positive integer, but got undefined'],
  [{ padId: 9 }, 'padId must be null or a whole number from 0 to 8, but got 9'],
  [{ patchSize: 4 }, "spikeBert has no option 'patchSize'"],
])('%j is refused', async (wrong, message) => {
  await expectNoLeak(() => {
    expect(() => spiking.models.spikeBert({ ...small, ...wrong })).toThrow(message);
  });
});
