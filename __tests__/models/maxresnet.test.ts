/** Max-ResNet's presets and errors: parameters and keys as in the authors' code. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { energy } from 'tfjs-spikingformer/analysis';
import { networkConfig } from '../../models/network_config';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import { expectForwardClose, loadJson } from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';

const { models } = spiking;
const keys = loadJson<Record<string, { shape: number[] }>>('presets/keys_max_resnet_18_cifar10');

beforeAll(() => tf.setBackend('cpu'));

test('has the parameters of Max-ResNet-18, for 100 classes 90 heads more', () => {
  const { presets } = loadJson<{ presets: { name: string; parameters: number }[] }>(
    'presets/citing',
  );
  const { parameters } = presets.find(({ name }) => name === 'Max-ResNet-18 CIFAR10')!;
  for (const [name, more] of [
    ['maxresnet-18-cifar10', 0],
    ['maxresnet-18-cifar100', 90 * (512 + 1)],
  ] as const) {
    const model = buildFast(() => models.create(name));
    expect(models.countParameters(model).parameters).toBe(parameters + more);
    model.dispose();
  }
});

test("has the authors' keys, in their order, and is recognized by them", () => {
  const model = buildFast(() => models.create('maxresnet-18-cifar10'));
  const stateDict = spiking.interop.toTorchStateDict(model);
  const shapes = (dict: typeof keys) =>
    Object.entries(dict).map(([key, { shape }]) => [key, shape]);
  expect(shapes(stateDict)).toEqual(shapes(keys));
  const { preset, config } = spiking.interop.recognizePreset(keys);
  expect({ preset, config }).toEqual({ preset: 'maxresnet-18-cifar10', config: {} });
  model.dispose();
});

const small = { inputShape: [8, 8, 3], numClasses: 5, embedDim: 16, depths: [2, 1, 3] };

/** A network that fires, with fresh weights. */
const firing = () => models.maxResnet({ ...small, timeSteps: 3, vThreshold: 0.1 });

test('goes through its keys and comes back the same, of other sizes and for events', () => {
  const configs = [
    { ...small, timeSteps: 3, tau: 1.5 },
    { ...small, inputShape: [3, 8, 8, 2] },
  ];
  for (const config of configs) {
    const model = models.maxResnet(config);
    const stateDict = spiking.interop.toTorchStateDict(model);
    const args = spiking.interop.networkArgs(model);
    const found = spiking.interop.recognizePreset(stateDict, { args });
    const again = models.create(found.preset, found.config);
    spiking.interop.loadTorchStateDict(again, stateDict);
    expect(networkConfig(again)).toEqual(networkConfig(model));
    expect(networkConfig(model)).toMatchObject({ family: { name: 'maxresnet' }, config });
    tf.tidy(() => {
      const x = tf.randomUniform([2, ...config.inputShape], -1, 2, 'float32', 3);
      expectForwardClose(again.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor);
    });
    for (const one of [model, again]) one.dispose();
  }
});

test('answers at each time step, and fused, and at other time steps', () => {
  const model = firing();
  const fused = models.fuseBatchNorm(model);
  const quick = models.withTimeSteps(model, 1);
  tf.tidy(() => {
    const x = tf.randomUniform([2, 8, 8, 3], -2, 3, 'float32', 3);
    const logits = model.predict(x) as tf.Tensor;
    expect(logits.max().sub(logits.min()).dataSync()[0]).toBeGreaterThan(1e-3);
    const perStep = models.logitsPerStep(model, x);
    expectForwardClose(perStep.mean(1), logits);
    expectForwardClose(fused.predict(x) as tf.Tensor, logits);
    expectForwardClose(quick.predict(x) as tf.Tensor, perStep.slice([0, 0], [-1, 1]).squeeze([1]));
  });
  for (const one of [model, fused, quick]) one.dispose();
});

test('convolutions take spikes, but for the first and those on shortcuts', () => {
  const model = firing();
  const x = tf.randomUniform([2, 8, 8, 3], -2, 3, 'float32', 3);
  const { layers, uncounted } = energy(model, x);
  expect(uncounted).toEqual([]);
  const numbers = layers.filter(({ kind, input }) => kind === 'convolution' && input !== 'spikes');
  expect(numbers.map(({ path }) => path)).toEqual([
    'stem/conv_bn',
    ...[1, 2, 3].map((stage) => `stage${stage}_block1/shortcut`),
  ]);
  model.dispose();
});

test.each<[object, string]>([
  [{ depths: [3, 3] }, 'depths must be of 3 stages, but got [3,3]'],
  [{ depths: [3, 3, 0] }, 'depths[2] must be a positive integer, but got 0'],
  [{ embedDim: 20 }, 'embedDim must be a multiple of 8, but got 20'],
  [{ numHeads: 8 }, "maxResnet has no option 'numHeads'"],
])('%j is refused', async (wrong, message) => {
  await expectNoLeak(() => {
    expect(() => models.maxResnet({ ...small, ...wrong })).toThrow(message);
  });
});

test('its layers refuse what they do not take', () => {
  const { maxResNetBlock, maxResNetStem } = spiking.layers;
  expect(() => maxResNetBlock({ filters: 4, pool: 1 } as never)).toThrow('pool must be');
  expect(() => maxResNetBlock({ filters: 0 })).toThrow('filters must be a positive integer');
  expect(() => maxResNetStem({ filters: 4, timeSteps: 0 })).toThrow('timeSteps must be');
  const stem = maxResNetStem({ name: 'stem', filters: 4, timeSteps: 2 });
  expect(() => stem.apply(tf.input({ shape: [2, 8, 8, 3] }))).toThrow(
    'The input of stem must be of shape [batch, height, width, channels], an image, since timeSteps is set',
  );
});
