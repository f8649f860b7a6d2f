/** QKFormer's presets and its errors: parameters and keys as in the authors' code, and what decides its forms. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { networkConfig } from '../../models/network_config';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import { loadFixture, loadJson } from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';

interface Preset {
  name: string;
  parameters: number;
  state_dict_entries: number;
}

const { presets } = loadJson<{ presets: Preset[] }>('presets/citing');
const parametersOf = (name: string) => presets.find((preset) => preset.name === name)!.parameters;

beforeAll(() => tf.setBackend('cpu'));

test.each([
  ['qkformer-4-384-cifar10', 'QKFormer HST-4-384 CIFAR10'],
  ['qkformer-4-384-cifar100', 'QKFormer HST-4-384 CIFAR100'],
  ['qkformer-10-384-imagenet', 'QKFormer HST-10-384 ImageNet'],
  ['qkformer-10-512-imagenet', 'QKFormer HST-10-512 ImageNet'],
  ['qkformer-10-768-imagenet', 'QKFormer HST-10-768 ImageNet'],
  ['qkformer-2-256-cifar10dvs', 'QKFormer CIFAR10-DVS'],
  ['qkformer-2-256-dvs128', 'QKFormer DVS128'],
])('%s has the parameters of %s', (name, theirs) => {
  const model = buildFast(() => spiking.models.create(name));
  const { parameters } = spiking.models.countParameters(model);
  expect(parameters).toBe(parametersOf(theirs));
  model.dispose();
});

test.each([
  ['qkformer-4-384-cifar10', 'qkformer_hst_4_384_cifar10'],
  ['qkformer-10-384-imagenet', 'qkformer_hst_10_384_imagenet'],
  ['qkformer-2-256-cifar10dvs', 'qkformer_cifar10_dvs'],
])("%s has the authors' keys, in their order", (name, file) => {
  const model = buildFast(() => spiking.models.create(name));
  const found = Object.entries(spiking.interop.toTorchStateDict(model));
  const expected = Object.entries(
    loadJson<Record<string, { shape: number[] }>>(`presets/keys_${file}`),
  );
  expect(found.map(([key, { shape }]) => [key, shape])).toEqual(
    expected.map(([key, { shape }]) => [key, shape]),
  );
  model.dispose();
});

test('is recognized by its keys and shapes, and which neuron is meant is said', () => {
  const model = spiking.models.qkformer({
    ...{ inputShape: [16, 16, 3], numClasses: 7, embedDim: 32, depth: 4, numHeads: 4, mlpRatio: 2 },
    projLifAxis: 'released',
  });
  const stateDict = spiking.interop.toTorchStateDict(model);
  const config = { numHeads: 4, inputShape: [16, 16, 3] };
  const found = spiking.interop.recognizePreset(stateDict, { config });
  expect(found.preset).toMatch(/^qkformer-4-384-cifar/);
  expect(found.config).toMatchObject({ embedDim: 32, numClasses: 7, mlpRatio: 2, ...config });
  expect(found.sources.join()).toMatch(/projLifAxis 'time'.*released/);
  const again = spiking.models.create(found.preset, found.config);
  spiking.interop.loadTorchStateDict(again, stateDict);
  model.dispose();
  again.dispose();
});

test.each(['qkformer_cifar_fixed', 'qkformer_dvs_fixed', 'qkformer_imagenet_released'])(
  "%s is recognized by its keys and the script's args alone",
  (name) => {
    const { meta } = loadFixture<{ arguments: { T: number } }>(`models/${name}.io`);
    const { tensors } = loadFixture(`models/${name}.state`);
    const { preset, config } = spiking.interop.recognizePreset(tensors, { args: meta.arguments });
    const model = spiking.models.create(preset, config);
    spiking.interop.loadTorchStateDict(model, tensors);
    const { inputShape } = networkConfig(model)!.config as { inputShape: number[] };
    const { T, img_size_h, img_size_w, in_channels } = meta.arguments as Record<string, number>;
    const image = [img_size_h, img_size_w, in_channels];
    expect(inputShape).toEqual(name.includes('dvs') ? [T, ...image] : image);
    model.dispose();
  },
);

test("with 'released' a sample's logits depend on its neighbors, with 'time' they do not", () => {
  const logitsOf = (projLifAxis: 'time' | 'released') => {
    const model = spiking.models.qkformer({
      ...{ inputShape: [8, 8, 3], numClasses: 5, embedDim: 16, depth: 3, numHeads: 1 },
      ...{ timeSteps: 2, vThreshold: 0.2, projLifAxis },
    });
    const weights = model.getWeights().map(({ shape }, i) => {
      const values = tf.randomNormal(shape, 0, 0.7, 'float32', i + 1);
      return model.weights[i]!.name.includes('variance') ? values.abs().add(0.1) : values;
    });
    model.setWeights(weights);
    const x = tf.randomUniform([3, 8, 8, 3], -1, 2, 'float32', 5);
    const all = (model.predict(x) as tf.Tensor).slice(2, 1).dataSync();
    const alone = (model.predict(x.slice(2, 1)) as tf.Tensor).dataSync();
    return Math.max(...all.map((logit, i) => Math.abs(logit - alone[i]!)));
  };
  tf.tidy(() => {
    expect(logitsOf('time')).toBeLessThan(1e-4);
    expect(logitsOf('released')).toBeGreaterThan(1e-2);
  });
});

test.each<[object, string]>([
  [{ depth: 2 }, 'depth must be at least 3, but got 2'],
  [
    { inputShape: [2, 16, 16, 2], depth: 3, patchSize: 16 },
    'depth must be 2 for events, but got 3',
  ],
  [{ embedDim: 20 }, 'embedDim must be a multiple of 8, but got 20'],
  [{ numHeads: 3 }, 'numHeads must be a divisor of the 8 channels of the first stage, but got 3'],
  [{ patchSize: 8 }, 'patchSize must be 4 or 16, but got 8'],
  [{ projLifAxis: 'batch' }, "projLifAxis must be one of 'time', 'released', but got 'batch'"],
  [{ projLifAxis: 'released', stateful: true }, 'cannot keep state between calls'],
  [{ order: 'conv-bn-lif-pool' }, "qkformer has no option 'order'"],
])('%j is refused', async (wrong, message) => {
  const config = { inputShape: [16, 16, 3], numClasses: 3, embedDim: 32, depth: 3, numHeads: 4 };
  await expectNoLeak(() => {
    expect(() => spiking.models.qkformer({ ...config, ...wrong })).toThrow(message);
  });
});
