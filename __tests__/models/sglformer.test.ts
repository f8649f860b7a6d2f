/** SGLFormer's presets, forms and errors: parameters and keys as in the authors' code, recognition, next steps. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { energy } from 'tfjs-spikingformer/analysis';
import { sglformerFamily } from '../../models/sglformer';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import {
  expectForwardClose,
  loadFixture,
  loadJson,
  modelInputToOurs,
  toTensor,
} from '../support/fixtures';
import { predict, savedAndLoaded, seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';
import type { ModelMeta } from '../support/model_parity';

const { models, interop } = spiking;

interface Preset {
  name: string;
  parameters: number;
}

const { presets } = loadJson<{ presets: Preset[] }>('presets/citing');
const parametersOf = (name: string) => presets.find((preset) => preset.name === name)!.parameters;

const small = { inputShape: [16, 16, 3], numClasses: 3, embedDim: 16, depth: 1, numHeads: 4 };
const imageNet = { ...small, inputShape: [32, 32, 3], depth: 3, patchSize: 16 };

/** With weights of its own in every layer. */
function seeded(config: object): tf.LayersModel {
  const model = models.sglformer({ ...small, timeSteps: 2, attnVThreshold: 0.2, ...config });
  for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
  return model;
}

const images = (side: number, samples = 3) =>
  tf.randomUniform([samples, side, side, 3], -1, 2, 'float32', 5);

beforeAll(() => tf.setBackend('cpu'));

test.each([
  ['sglformer-4-384-cifar10', 'SGLFormer-4-384 CIFAR10 T=4', 4],
  ['sglformer-4-384-cifar100', 'SGLFormer-4-384 CIFAR100 T=4', 4],
  ['sglformer-3-256-cifar10dvs', 'SGLFormer-3-256 CIFAR10-DVS T=16', 16],
  ['sglformer-3-256-cifar10dvs', 'SGLFormer-3-256 CIFAR10-DVS T=10', 10],
  ['sglformer-8-384-imagenet', 'SGLFormer-8-384 ImageNet', 4],
  ['sglformer-8-512-imagenet', 'SGLFormer-8-512 ImageNet', 4],
  ['sglformer-8-512-imagenet-early-pool', 'SGLFormer-8-512 ImageNet', 4],
  ['sglformer-8-768-imagenet', 'SGLFormer-8-768* ImageNet', 4],
])('%s has the parameters of %s', (name, theirs, timeSteps) => {
  const model = buildFast(() => models.create(name, { timeSteps }));
  expect(models.countParameters(model).withUnusedLayerNorms).toBe(parametersOf(theirs));
  model.dispose();
});

test.each([
  ['sglformer-4-384-cifar10', 'sglformer_4_384_cifar10_t_4'],
  ['sglformer-8-384-imagenet', 'sglformer_8_384_imagenet'],
])("%s has the authors' keys, in their order", (name, file) => {
  const model = buildFast(() => models.create(name));
  const found = Object.entries(interop.toTorchStateDict(model));
  const expected = Object.entries(
    loadJson<Record<string, { shape: number[] }>>(`presets/keys_${file}`),
  );
  expect(found.map(([key, { shape }]) => [key, shape])).toEqual(
    expected.map(([key, { shape }]) => [key, shape]),
  );
  model.dispose();
});

test.each(['sglformer_cifar', 'sglformer_dvs', 'sglformer_imagenet2_fixed'])(
  "%s is recognized by its weights and its authors' arguments",
  (name) => {
    const io = loadFixture<ModelMeta>(`models/${name}.io`);
    const { tensors } = loadFixture(`models/${name}.state`);
    const args = { ...io.meta.arguments };
    const config = sglformerFamily.authors.fromArgs!(args, tensors);
    const found = interop.recognizePreset(tensors, { args, config });
    const model = models.create(found.preset, found.config);
    interop.loadTorchStateDict(model, tensors);
    tf.tidy(() => {
      const x = toTensor(modelInputToOurs(io.values('x')));
      expectForwardClose(model.predict(x) as tf.Tensor, io.values('eval.logits'), 'logits');
    });
    model.dispose();
  },
);

test("the readout's kernel tells time steps and image size, and the script's name how it pools", () => {
  const kernel = (tokens: number, channels: number) => ({
    'full_size_conv.weight': { shape: [8, 1, tokens, 5] },
    'stem.conv.conv3x3.weight': { shape: [1, channels, 3, 3] },
  });
  const fromArgs = sglformerFamily.authors.fromArgs!;
  expect(fromArgs({}, kernel(64, 3))).toEqual({ timeSteps: 5, inputShape: [32, 32, 3] });
  expect(fromArgs({}, kernel(64, 2))).toEqual({ inputShape: [5, 128, 128, 2] });
  expect(fromArgs({ img_size_h: 64, img_size_w: 16 }, kernel(64, 3))).toEqual({
    timeSteps: 5,
    inputShape: [64, 16, 3],
  });
  expect(fromArgs({ img_size: 224 }, kernel(60, 3))).toEqual({ timeSteps: 5 });
  expect(fromArgs({}, kernel(60, 2))).toEqual({});
  const imageNet = (width: number) => ({
    'patch_embed.proj_conv.weight': { shape: [width / 8, 3, 3, 3] },
    'head.weight': { shape: [1000, width] },
  });
  expect(fromArgs({ model: 'sglformer_ima2_8_512' }, imageNet(512))).toEqual({ pooling: 'late' });
  expect(fromArgs({ model: 'sglformer_ima_8_512' }, imageNet(512))).toEqual({ pooling: 'early' });
  expect(fromArgs({ model: 'sglformer' }, imageNet(512))).toEqual({ pooling: 'late' });
  expect(fromArgs({}, imageNet(768))).toEqual({ pooling: 'early' });
});

test('of two presets that differ in pooling alone, neither is guessed', () => {
  const shapesOf = (name: string) => {
    const model = buildFast(() => models.create(name));
    const shapes = interop.toTorchStateDict(model);
    model.dispose();
    return shapes;
  };
  expect(() => interop.recognizePreset(shapesOf('sglformer-8-512-imagenet'))).toThrow(
    'sglformer-8-512-imagenet and sglformer-8-512-imagenet-early-pool have the same shapes',
  );
  const found = interop.recognizePreset(shapesOf('sglformer-8-384-imagenet'));
  expect(found).toMatchObject({ preset: 'sglformer-8-384-imagenet', config: {} });
  expect(found.sources.join()).toMatch(/pooling 'late'.*projLifAxis 'time'.*'released'/);
});

test.each([
  ['cifar', small],
  ['events', { ...small, inputShape: [2, 16, 16, 2], patchSize: 16 }],
  ['imagenet', { ...imageNet, mlpRatio: 2, pooling: 'early', projLifAxis: 'released' } as const],
])('all options of a network for %s come back from what convert writes', (_, config) => {
  const model = models.sglformer({ ...config, tau: 1.5, scale: 0.25 });
  const args = interop.networkArgs(model);
  const { preset, config: found } = interop.recognizePreset(interop.toTorchStateDict(model), {
    args,
  });
  const again = models.create(preset, found);
  const layersOf = (one: tf.LayersModel) => one.layers.slice(1).map((layer) => layer.getConfig());
  expect(layersOf(again)).toEqual(layersOf(model));
  model.dispose();
  again.dispose();
});

test("with 'released' a sample's logits depend on its neighbors, with 'time' they do not", () => {
  const differences = (['time', 'released'] as const).map((projLifAxis) => {
    const model = seeded({ ...imageNet, projLifAxis });
    const difference = tf.tidy(() => {
      const x = images(32);
      const all = (model.predict(x) as tf.Tensor).slice(2, 1);
      return all
        .sub(model.predict(x.slice(2, 1)) as tf.Tensor)
        .abs()
        .max()
        .dataSync()[0]!;
    });
    model.dispose();
    return difference;
  });
  expect(differences[0]).toBeLessThan(1e-4);
  expect(differences[1]).toBeGreaterThan(1e-2);
});

test("of the ImageNet form, 'released' is the first neuron's too where the last stages pool", () => {
  const classes = (['late', 'early'] as const).map((pooling) => {
    const model = models.sglformer({ ...imageNet, pooling, projLifAxis: 'released' });
    const { firstLifAxis } = model.getLayer('tokenizer').getConfig();
    const { outputShape } = model.getLayer('tokenizer');
    model.dispose();
    return [firstLifAxis, outputShape];
  });
  expect(classes).toEqual([
    ['released', [null, 4, 2, 2, 16]],
    ['time', [null, 4, 2, 2, 16]],
  ]);
});

test.each([
  ['cifar', {}, 16],
  ['imagenet', imageNet, 32],
] as const)('a network for %s is saved, loaded and counted', async (_, config, side) => {
  const model = seeded(config);
  const loaded = await savedAndLoaded(model);
  const x = images(side);
  expect(predict(loaded, x)).toEqual(predict(model, x));
  const { layers, uncounted } = energy(model, x);
  expect(uncounted).toEqual([]);
  expect(layers.every(({ computePJ }) => Number.isFinite(computePJ) && computePJ >= 0)).toBe(true);
  x.dispose();
  model.dispose();
  loaded.dispose();
});

test('the ImageNet form takes other time steps and sizes', () => {
  const model = seeded(imageNet);
  const [quick, large] = [
    models.withTimeSteps(model, 1),
    models.withInputShape(model, [48, 48, 3]),
  ];
  const x = images(48);
  expect((quick.predict(x.slice([0, 0, 0], [1, 32, 32])) as tf.Tensor).shape).toEqual([1, 3]);
  expect((large.predict(x) as tf.Tensor).shape).toEqual([3, 3]);
  for (const one of [model, quick, large]) one.dispose();
});

test('a network whose readout knows time and tokens refuses others, and to answer by step', async () => {
  const model = seeded({});
  await expectNoLeak(() => {
    expect(() => models.withTimeSteps(model, 1)).toThrow(
      'readout/kernel has shape [16,2,1,16] but would need [16,1,1,16]',
    );
    expect(() => models.withInputShape(model, [32, 32, 3])).toThrow(
      'readout/kernel has shape [16,2,1,16] but would need [64,2,1,16]',
    );
  });
  expect(() => models.logitsPerStep(model, tf.zeros([1, 16, 16, 3]))).toThrow('has no RateReadout');
  model.dispose();
});

test.each<[object, string]>([
  [{ depth: 0 }, 'depth must be a positive integer, but got 0'],
  [{ ...imageNet, depth: 2 }, 'depth must be at least 3, but got 2'],
  [{ embedDim: 18 }, 'embedDim must be a multiple of 4, at least 8, but got 18'],
  [{ embedDim: 4 }, 'embedDim must be a multiple of 4, at least 8, but got 4'],
  [{ ...imageNet, embedDim: 12 }, 'embedDim must be a multiple of 8, at least 8, but got 12'],
  [{ numHeads: 3 }, 'numHeads must be a divisor of embedDim (16), but got 3'],
  [
    { mlpRatio: 0.3 },
    'mlpRatio must be a number whose product with the 16 channels is whole, but got 0.3',
  ],
  [{ patchSize: 8 }, 'patchSize must be 4 or 16, but got 8'],
  [{ pooling: 'early' }, "pooling must be 'late' unless images have patchSize 16, but got 'early'"],
  [
    { inputShape: [2, 16, 16, 2], patchSize: 16, projLifAxis: 'released' },
    "projLifAxis must be 'time' unless images have patchSize 16, but got 'released'",
  ],
  [{ ...imageNet, projLifAxis: 'released', stateful: true }, 'cannot keep state between calls'],
  [{ order: 'conv-bn-lif-pool' }, "sglformer has no option 'order'"],
])('%j is refused', async (wrong, message) => {
  await expectNoLeak(() => {
    expect(() => models.sglformer({ ...small, ...wrong })).toThrow(message);
  });
});
