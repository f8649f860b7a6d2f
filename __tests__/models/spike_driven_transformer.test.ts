/** Spike-driven Transformer's presets, its weights' names, what one does with a trained one, and its errors. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countOperations, energyOf, measureActivity } from 'tfjs-spikingformer/analysis';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import { expectForwardClose } from '../support/compare';
import { loadFixture, loadJson } from '../support/fixtures';
import { predict, savedAndLoaded, seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { models, interop } = spiking;

interface Preset {
  name: string;
  arguments: { T: number; size: number; K: number; pool: string; dvs?: boolean };
  parameters: number;
  state_dict_entries: number;
}

const { presets } = loadJson<{ presets: Preset[] }>('presets/presets_sdt');
/** 'SDT-2-256 CIFAR10-DVS' -> 'sdt-2-256-cifar10dvs'. */
const ours = (name: string) =>
  name
    .toLowerCase()
    .replace('cifar10-dvs', 'cifar10dvs')
    .replace(' gesture', '')
    .replaceAll(' ', '-');

beforeAll(() => tf.setBackend('cpu'));

test('there is a preset for each of the authors, and no other', () => {
  const names = models.list().filter((name) => name.startsWith('sdt-'));
  expect(names.sort()).toEqual(presets.map(({ name }) => ours(name)).sort());
});

test.each(presets.map((preset) => [ours(preset.name), preset] as const))(
  '%s has their parameters, and as many entries in its state dict',
  (name, { parameters, state_dict_entries: entries, arguments: a }) => {
    const { inputShape, numClasses, poolingStat = '1111', ...config } = models.presetConfig(name);
    expect([inputShape.at(-2), numClasses, poolingStat]).toEqual([a.size, a.K, a.pool]);
    expect([config.dvsMode ?? false, inputShape.length === 4 ? inputShape[0] : 4]).toEqual([
      a.dvs ?? false,
      a.T,
    ]);
    const model = buildFast(() => models.create(name));
    expect(models.countParameters(model).withUnusedLayerNorms).toBe(parameters);
    expect(Object.keys(interop.toTorchStateDict(model))).toHaveLength(entries);
    model.dispose();
  },
);

test.each([
  ['sdt-8-384-imagenet', 'sdt_8_384_imagenet'],
  ['sdt-2-512-cifar10', 'sdt_2_512_cifar10'],
  ['sdt-2-256-cifar10dvs', 'sdt_2_256_cifar10_dvs'],
])("%s has the authors' keys, in their order, and is recognized by them", (name, file) => {
  const model = buildFast(() => models.create(name));
  const expected = loadJson<Record<string, { shape: number[] }>>(`presets/keys_${file}`);
  const shapesOf = (dict: typeof expected) =>
    Object.entries(dict).map(([key, { shape }]) => [key, shape]);
  expect(shapesOf(interop.toTorchStateDict(model))).toEqual(shapesOf(expected));
  expect(interop.recognizePreset(expected)).toMatchObject({ preset: name, config: {} });
  model.dispose();
});

test.each(['sdt_cifar', 'sdt_cifar_tet', 'sdt_imagenet', 'sdt_cifar10dvs'])(
  "%s is built from its state dict and its script's args alone",
  (name) => {
    const io = loadFixture<{ arguments: object }>(`models/${name}.io`);
    const { tensors } = loadFixture(`models/${name}.state`);
    const { preset, config, sources } = interop.recognizePreset(tensors, {
      args: io.meta.arguments,
    });
    const model = models.create(preset, config);
    interop.loadTorchStateDict(model, tensors);
    const x = io.values('x');
    const axes = x.shape.length === 5 ? [0, 1, 3, 4, 2] : [0, 2, 3, 1];
    tf.tidy(() => {
      const input = tf.tensor(x.data, x.shape).transpose(axes);
      const expected = io.values('eval.logits');
      const logits = tf.tensor(expected.data, expected.shape);
      const mean = logits.rank === 3 ? logits.mean(0) : logits;
      expectForwardClose(model.predict(input) as tf.Tensor, mean);
    });
    expect(/max pools run over the token index/.test(sources.join())).toBe(/dvs/.test(name));
    model.dispose();
  },
);

const config = { inputShape: [16, 16, 3], numClasses: 3, embedDim: 16, depth: 1, numHeads: 2 };

function build(changes: object = {}): tf.LayersModel {
  const model = models.spikeDrivenTransformer({
    ...config,
    poolingStat: '0011',
    vThreshold: 0.5,
    ...changes,
  });
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}
const input = (...shape: number[]) => tf.randomUniform(shape, -1, 2, 'float32', 3);

test('is saved and loaded, at other time steps and resolutions, answers by step and fused', async () => {
  const model = build();
  const [x, large] = [input(2, 16, 16, 3), input(2, 24, 16, 3)];
  const loaded = await savedAndLoaded(model);
  expect(predict(loaded, x)).toEqual(predict(model, x));
  const [quick, quickly] = [models.withTimeSteps(model, 2), build({ timeSteps: 2 })];
  expect(predict(quick, x)).toEqual(predict(quickly, x));
  const wide = models.withInputShape(model, [24, 16, 3]);
  expect(wide.getLayer('tokenizer').outputShape).toEqual([null, 4, 6, 4, 16]);
  const [whole, fused] = [model.predict(x) as tf.Tensor, models.fuseBatchNorm(model)];
  tf.tidy(() => {
    expect((wide.predict(large) as tf.Tensor).shape).toEqual([2, 3]);
    expectForwardClose(models.logitsPerStep(model, x).mean(1), whole);
    expectForwardClose(fused.predict(x) as tf.Tensor, whole);
  });
  tf.dispose([x, large, whole]);
  for (const each of [model, loaded, quick, quickly, wide, fused]) each.dispose();
});

test("attention's energy is of masks: linear in tokens, as often as the rarer of both spikes", () => {
  const model = build();
  const { layers, uncounted } = countOperations(model);
  expect(uncounted).toEqual([]);
  const rows = layers.filter(({ kind }) => kind === 'attention');
  const [time, tokens, channels] = [4, 16, 16];
  expect(rows).toEqual([
    expect.objectContaining({
      path: 'block1/attn/product',
      operations: 2 * time * tokens * channels,
    }),
  ]);
  const x = input(2, 16, 16, 3);
  const activity = measureActivity(model, x);
  const rate = (name: string) => activity.neurons.get(`block1/attn/${name}`)!.mean;
  const expected =
    (Math.min(rate('k_lif'), rate('v_lif')) + Math.min(rate('attn_lif'), rate('q_lif'))) / 2;
  const row = energyOf(countOperations(model), activity).layers.find(
    ({ path }) => path === 'block1/attn/product',
  )!;
  expect(row.rate).toBeCloseTo(expected, 6);
  expect(expected).toBeGreaterThan(0.01);
  x.dispose();
  model.dispose();
});

test('with dvsMode spread spikes are counted as they are summed', () => {
  const model = build({ inputShape: [2, 16, 16, 2], dvsMode: true });
  const x = input(2, 2, 16, 16, 2);
  const activity = measureActivity(model, x);
  const row = energyOf(countOperations(model), activity).layers.find(
    ({ kind }) => kind === 'attention',
  )!;
  expect(row).toMatchObject({ path: 'block1/attn', input: 'spikes' });
  expect(row.rate).toBe(activity.inputs.get('block1/attn')!.mean);
  expect(row.rate).toBeGreaterThan(activity.neurons.get('block1/attn/k_lif')!.mean);
  x.dispose();
  model.dispose();
});

test('heads matter with dvsMode only', () => {
  const logits = (changes: object) => {
    const model = build({ inputShape: [2, 16, 16, 2], ...changes });
    const x = input(2, 2, 16, 16, 2);
    const found = predict(model, x);
    x.dispose();
    model.dispose();
    return found;
  };
  expect(logits({ numHeads: 1 })).toEqual(logits({ numHeads: 4 }));
  const [one, four] = [1, 4].map((numHeads) => logits({ numHeads, dvsMode: true }));
  expect(one).not.toEqual(four);
});

test.each<[object, string]>([
  [{ embedDim: 20, numHeads: 4 }, 'embedDim must be a multiple of 8, but got 20'],
  [{ numHeads: 3 }, 'numHeads must be a divisor of embedDim (16), but got 3'],
  [
    { mlpRatio: 0.3 },
    'mlpRatio must be a number whose product with the 16 channels is whole, but got 0.3',
  ],
  [{ poolingStat: '011' }, "poolingStat must be one of '0000', '0001', "],
  [{ dvsMode: 1 }, 'dvsMode must be true or false, but got 1'],
  [{ timeSteps: 0 }, 'timeSteps must be a positive integer, but got 0'],
  [{ patchSize: 4 }, "spikeDrivenTransformer has no option 'patchSize'"],
  [{ scale: 0.1 }, "spikeDrivenTransformer has no option 'scale'"],
])('%j is refused', async (wrong, message) => {
  await expectNoLeak(() => {
    expect(() => models.spikeDrivenTransformer({ ...config, ...wrong })).toThrow(message);
  });
});

test('layers refuse what they cannot take', () => {
  const { spikeDrivenAttention, spikeDrivenBlock, spikeDrivenTokenizer } = spiking.layers;
  expect(() => spikeDrivenTokenizer({ embedDim: 8, poolingStat: '012' })).toThrow(
    "poolingStat must be four digits 0 or 1, such as '0011', but got '012'",
  );
  expect(() => spikeDrivenBlock({ numHeads: 1, scale: 1 } as never)).toThrow(
    "SpikeDrivenBlock has no option 'scale'",
  );
  const attention = spikeDrivenAttention({ numHeads: 1, dvsMode: true });
  expect(() => attention.apply(tf.input({ shape: [2, 3, 4] }))).toThrow(
    'of shape [batch, time, height, width, channels]',
  );
});
