/** SpikeCLIP's presets, keys and errors; zero-shot answers; energy, configuration, other time steps. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countOperations, energy } from 'tfjs-spikingformer/analysis';
import { spikeClipAlignment, spikeClipDual } from 'tfjs-spikingformer/training';
import { networkConfig } from '../../models/network_config';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import { expectForwardClose, loadFixture, loadJson } from '../support/fixtures';
import { savedAndLoaded } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

interface Preset {
  name: string;
  parameters: number;
  state_dict_entries: number;
}

const { presets } = loadJson<{ presets: Preset[] }>('presets/presets_spikeclip');
const image = { inputShape: [8, 8, 3], outputDim: 6, embedDim: 8, depth: 1, numHeads: 2 };

beforeAll(() => tf.setBackend('cpu'));

test.each([
  ['spikeclip-image-4-384', 'SpikeCLIP image encoder 4-384'],
  ['spikeclip-text-512', "SpikeCLIP text encoder (without CLIP's embedding)"],
])('%s has the parameters and entries of the %s', (name, theirs) => {
  const expected = presets.find((preset) => preset.name === theirs)!;
  const model = buildFast(() => spiking.models.create(name));
  expect(spiking.models.countParameters(model).parameters).toBe(expected.parameters);
  expect(Object.keys(spiking.interop.toTorchStateDict(model))).toHaveLength(
    expected.state_dict_entries,
  );
  model.dispose();
});

test("the image encoder has the authors' keys, in their order, and their shapes", () => {
  const keys = loadJson<Record<string, { shape: number[] }>>('presets/keys_spikeclip_image_4_384');
  const model = buildFast(() => spiking.models.create('spikeclip-image-4-384'));
  const found = Object.entries(spiking.interop.toTorchStateDict(model));
  expect(found.map(([key, { shape }]) => [key, shape])).toEqual(
    Object.entries(keys).map(([key, { shape }]) => [key, shape]),
  );
  model.dispose();
});

test("the text encoder is recognized by its weights, of which CLIP's are left out", () => {
  const { tensors } = loadFixture('ops/spikeclip_text_published');
  const own = Object.entries(tensors)
    .filter(([key]) => key.startsWith('state.') && !key.includes('clip_embedding'))
    .map(([key, tensor]) => [key.replace('state.', ''), tensor]);
  const stateDict = Object.fromEntries(own) as Parameters<
    typeof spiking.interop.loadTorchStateDict
  >[1];
  const { preset, config } = spiking.interop.recognizePreset(stateDict, { args: {} });
  expect({ preset, config }).toEqual({
    preset: 'spikeclip-text-512',
    config: { inputShape: [20, 8], outputDim: 8 },
  });
  const model = spiking.models.create(preset, config);
  spiking.interop.loadTorchStateDict(model, stateDict);
  const back = spiking.interop.toTorchStateDict(model);
  expect(Object.keys(back)).toEqual([
    'weights_tensor',
    'fc1.weight',
    'fc1.bias',
    'fc2.weight',
    'fc2.bias',
  ]);
  for (const [key, { data }] of Object.entries(back)) expect(data).toEqual(stateDict[key]!.data);
  model.dispose();
});

test.each([
  ['image', () => spiking.models.spikeClipImage({ ...image, timeSteps: 3, tau: 1.5, mlpRatio: 2 })],
  [
    'text',
    () =>
      spiking.models.spikeClipText({
        inputShape: [5, 4],
        outputDim: 6,
        timeSteps: 3,
        tau: 1.5,
        mlpRatio: 2,
      }),
  ],
])('of %s: configuration, saving and loading, energy', async (_, make) => {
  const model = make();
  const expected = { outputDim: 6, timeSteps: 3, tau: 1.5, mlpRatio: 2 };
  expect(networkConfig(model)!.config).toMatchObject(expected);
  const x = tf.randomUniform(
    [2, ...(model.inputs[0]!.shape.slice(1) as number[])],
    -1,
    3,
    'float32',
    3,
  );
  const loaded = await savedAndLoaded(model);
  const [one, two] = [model, loaded].map((m) => (m.predict(x) as tf.Tensor).dataSync());
  expect(one).toEqual(two);
  const { layers, uncounted } = energy(model, x);
  expect(uncounted).toEqual([]);
  expect(layers.every(({ operations }) => operations > 0)).toBe(true);
  expect(() => spiking.models.withTimeSteps(loaded, 2)).toThrow('depend on its input shape');
});

test('each linear map of the text encoder is counted at every time step', () => {
  const model = spiking.models.spikeClipText({ inputShape: [5, 4], outputDim: 6 });
  const { layers, neuronSteps } = countOperations(model);
  expect(layers.map(({ path, operations, timeSteps }) => [path, operations, timeSteps])).toEqual([
    ['encoder/fc1/linear', 4 * 16 * (20 + 1), 4],
    ['encoder/fc2/linear', 4 * 6 * (16 + 1), 4],
  ]);
  expect(neuronSteps).toBe(4 * (20 + 16));
  model.dispose();
});

test('zeroShot answers with the class in whose direction an image lies, whatever the lengths', () => {
  tf.tidy(() => {
    const prompts = tf.tensor3d([
      [[1, 0, 0], [10, 1, 0]], // biome-ignore format: prompts of a class
      [[0, 0, 3], [0, 1, 3]], // biome-ignore format: prompts of a class
    ]);
    const classes = spiking.models.classEmbeddings(prompts);
    expectForwardClose(classes.norm('euclidean', 1), { shape: [2], data: Float32Array.of(1, 1) });
    const cosines = spiking.models.zeroShot(tf.tensor2d([[0, 0, 0.1], [5, 0, 1]]), classes); // biome-ignore format: images
    expect([...cosines.argMax(1).dataSync()]).toEqual([1, 0]);
    expect(Math.max(...cosines.dataSync())).toBeLessThanOrEqual(1 + 1e-6);
    const scaled = spiking.models.zeroShot(tf.tensor2d([[0, 0, 7], [50, 0, 10]]), classes.mul(9)); // biome-ignore format: images
    expectForwardClose(scaled, { shape: [2, 2], data: Float32Array.from(cosines.dataSync()) });
    const zeros = tf.grad((x) => spiking.models.zeroShot(x, classes))(tf.zeros([1, 3]));
    expect([...zeros.dataSync()].every(Number.isFinite)).toBe(true);
  });
});

test('embeddings that do not fit are named', () => {
  tf.tidy(() => {
    const { classEmbeddings, zeroShot } = spiking.models;
    const [x, classes] = [tf.ones([2, 3]), tf.ones([4, 3])];
    expect(() => classEmbeddings(classes)).toThrow(
      'prompts must be of shape [classes, prompts, dim], but got [4,3]',
    );
    expect(() => zeroShot(tf.ones([3]), classes)).toThrow(
      'features must be of shape [batch, dim], but got [3]',
    );
    expect(() => zeroShot(x, tf.ones([4, 5]))).toThrow(
      'classes must be of shape [classes, 3], but got [4,5]',
    );
    expect(() => spikeClipAlignment(x, classes)).toThrow(
      "teacher must be of the features' shape [2,3], but got [4,3]",
    );
    expect(() => spikeClipDual(x, tf.ones([2, 4]), classes, tf.ones([2, 4]))).toThrow(
      'teacher must be',
    );
  });
});

test.each<[object, string]>([
  [{ inputShape: [2, 8, 8, 2] }, 'inputShape must be [height, width, channels], an image'],
  [{ numHeads: 3 }, 'numHeads must be a divisor of embedDim (8), but got 3'],
  [{ outputDim: 0 }, 'outputDim must be a positive integer, but got 0'],
  [{ numClasses: 3 }, "spikeClipImage has no option 'numClasses'"],
])('spikeClipImage: %j is refused', async (wrong, message) => {
  await expectNoLeak(() => {
    expect(() => spiking.models.spikeClipImage({ ...image, ...wrong })).toThrow(message);
  });
});

test.each<[object, string]>([
  [
    { inputShape: [20] },
    'inputShape must be [tokens, channels] of an embedded prompt, but got [20]',
  ],
  [{ inputShape: [0, 4] }, 'inputShape[0] must be a positive integer, but got 0'],
  [
    { mlpRatio: 0.3 },
    'mlpRatio must be a number whose product with the 4 channels is whole, but got 0.3',
  ],
  [{ depth: 3 }, "spikeClipText has no option 'depth'"],
])('spikeClipText: %j is refused', async (wrong, message) => {
  await expectNoLeak(() => {
    expect(() => spiking.models.spikeClipText({ inputShape: [5, 4], ...wrong })).toThrow(message);
  });
});
