/** Max-Former's and MS-QKFormer's presets and errors: parameters and keys as in the authors' code, and what decides their forms. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { energy } from 'tfjs-spikingformer/analysis';
import { networkConfig } from '../../models/network_config';
import { seededWeights } from '../../training/seeded_weights';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import { expectForwardClose, loadFixture, loadJson } from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';

interface Preset {
  name: string;
  parameters: number;
}

const { presets } = loadJson<{ presets: Preset[] }>('presets/citing');
const { layers, models } = spiking;

beforeAll(() => tf.setBackend('cpu'));

test.each([
  ['maxformer-4-384-cifar10', 'Max-Former-4-384 CIFAR10'],
  ['maxformer-4-384-cifar100', 'Max-Former-4-384 CIFAR100'],
  ['maxformer-2-256-cifar10dvs', 'Max-Former-2-256 CIFAR10-DVS (mlp ratio 1)'],
  ['maxformer-10-384-imagenet', 'Max-Former-10-384'],
  ['maxformer-10-512-imagenet', 'Max-Former-10-512'],
  ['maxformer-10-768-imagenet', 'Max-Former-10-768'],
  ['msqkformer-4-384-cifar10', 'MS-QKFormer-4-384 CIFAR10'],
  ['msqkformer-4-384-cifar100', 'MS-QKFormer-4-384 CIFAR100'],
  ['msqkformer-2-256-cifar10dvs', 'MS-QKFormer-2-256 CIFAR10-DVS (mlp ratio 1)'],
  ['msqkformer-10-384-imagenet', 'MS-QKFormer-10-384 ImageNet'],
  ['msqkformer-10-512-imagenet', 'MS-QKFormer-10-512 ImageNet'],
  ['msqkformer-10-768-imagenet', 'MS-QKFormer-10-768 ImageNet'],
])('%s has the parameters of %s', (name, theirs) => {
  const model = buildFast(() => models.create(name));
  const { parameters } = presets.find((preset) => preset.name === theirs)!;
  expect(models.countParameters(model).parameters).toBe(parameters);
  model.dispose();
});

test.each(['maxformer', 'msqkformer'])('%s for DVS128 has one class more', (family) => {
  const [more, fewer] = ['dvs128', 'cifar10dvs'].map((data) => {
    const model = buildFast(() => models.create(`${family}-2-256-${data}`));
    const { parameters } = models.countParameters(model);
    model.dispose();
    return parameters;
  });
  expect(more! - fewer!).toBe(256 + 1);
});

const keysOf = (file: string) =>
  loadJson<Record<string, { shape: number[] }>>(`presets/keys_${file}`);
const published = [
  ['maxformer-4-384-cifar10', 'max_former_4_384_cifar10'],
  ['maxformer-10-384-imagenet', 'max_former_10_384'],
  ['msqkformer-4-384-cifar10', 'ms_qkformer_4_384_cifar10'],
  ['msqkformer-10-384-imagenet', 'ms_qkformer_10_384_imagenet'],
  ['msqkformer-2-256-cifar10dvs', 'ms_qkformer_2_256_cifar10_dvs'],
] as const;

test.each(published)("%s has the authors' keys, in their order", (name, file) => {
  const model = buildFast(() => models.create(name));
  const found = Object.entries(spiking.interop.toTorchStateDict(model));
  expect(found.map(([key, { shape }]) => [key, shape])).toEqual(
    Object.entries(keysOf(file)).map(([key, { shape }]) => [key, shape]),
  );
  model.dispose();
});

test.each(published)(
  '%s is recognized by these keys, whatever heads the args have',
  (name, file) => {
    for (const args of [undefined, { num_heads: 12, layer: 4, time_step: 4 }]) {
      const { preset, config, sources } = spiking.interop.recognizePreset(keysOf(file), { args });
      expect({ preset, config }).toEqual({ preset: name, config: {} });
      const { numHeads } = models.presetConfig(name);
      expect(sources.join()).toContain(`numHeads ${numHeads} is fixed in the published code`);
      expect(sources.join().includes('TypeError')).toBe(/msqk.*dvs/.test(name));
    }
  },
);

test.each(['maxformer_cifar', 'maxformer_imagenet', 'msqkformer_event', 'msqkformer_imagenet'])(
  "%s has the sizes, blocks and heads that its keys and the script's args tell",
  (name) => {
    const { meta } = loadFixture<{ arguments: Record<string, number> }>(`models/${name}.io`);
    const { tensors } = loadFixture(`models/${name}.state`);
    const { preset, config } = spiking.interop.recognizePreset(tensors, { args: meta.arguments });
    const model = buildFast(() => models.create(preset, config));
    const { embed_dims, num_classes, T, mlp_ratios } = meta.arguments;
    const forms: Record<string, object> = {
      maxformer_cifar: { numHeads: 8, depths: [1, 1, 2], inputShape: [12, 12, 3], timeSteps: T },
      maxformer_imagenet: { numHeads: 1, depths: [1, 2, 1], inputShape: [224, 224, 3] },
      msqkformer_event: { numHeads: 16, depths: [1, 1], inputShape: [T, 48, 48, 2] },
      msqkformer_imagenet: { numHeads: 1, depths: [1, 1, 1], inputShape: [32, 32, 3] },
    };
    expect(networkConfig(model)).toMatchObject({
      family: { name: name.split('_')[0] },
      config: {
        ...{ embedDim: embed_dims, numClasses: num_classes, mlpRatio: mlp_ratios },
        ...forms[name],
      },
    });
    model.dispose();
  },
);

/** A small network with the weights of a fixture, and its images. */
function loaded(name: string) {
  const { meta, values } = loadFixture<{ arguments: Record<string, number> }>(`models/${name}.io`);
  const { tensors } = loadFixture(`models/${name}.state`);
  const { preset, config } = spiking.interop.recognizePreset(tensors, { args: meta.arguments });
  const model = models.create(preset, config);
  spiking.interop.loadTorchStateDict(model, tensors);
  const { shape, data } = values('x');
  return { model, x: tf.tensor(data, shape).transpose([0, 2, 3, 1]) };
}

test.each(['maxformer_cifar', 'msqkformer_cifar'])(
  '%s answers at each time step, at others, and at another size',
  (name) => {
    const { model, x } = loaded(name);
    const logits = model.predict(x) as tf.Tensor;
    const perStep = models.logitsPerStep(model, x);
    expect(perStep.shape).toEqual([2, 4, 10]);
    expectForwardClose(perStep.mean(1), logits);
    const quick = models.withTimeSteps(model, 2);
    // Neurons look back only: the first steps are the same whatever follows.
    expectForwardClose(quick.predict(x) as tf.Tensor, perStep.slice([0, 0], [-1, 2]).mean(1));
    const large = models.withInputShape(model, [16, 24, 3]);
    const other = large.predict(tf.image.resizeBilinear(x as tf.Tensor4D, [16, 24])) as tf.Tensor;
    expect(other.shape).toEqual([2, 10]);
    for (const one of [model, quick, large]) one.dispose();
  },
);

test.each(['maxformer_cifar', 'msqkformer_cifar'])(
  '%s: only the first convolution takes numbers, everything after it, the head too, spikes',
  (name) => {
    const { model, x } = loaded(name);
    const report = energy(model, x);
    expect(report.uncounted).toEqual([]);
    const inputs = report.layers.map(({ path, input }) => [path, input]);
    expect(inputs[0]).toEqual(['embed1/stage1/conv_bn', 'real']);
    expect(inputs.at(-1)).toEqual(['head', 'spikes']);
    expect(inputs.slice(1).filter(([, input]) => input !== 'spikes')).toEqual([]);
    // The head is computed at each of four time steps; without spikes, once.
    const head = report.layers.at(-1)!;
    expect(head.operations).toBe(4 * 10 * (32 + 1));
    expect(head.dense.macs).toBe(10 * (32 + 1));
    const convolutions = report.layers.filter(({ kind }) => kind === 'convolution');
    const embeds = 3 * 3;
    expect(convolutions).toHaveLength(name === 'maxformer_cifar' ? embeds + 1 : embeds);
    model.dispose();
  },
);

test.each(['maxformer', 'msQkformer', 'maxResnet'] as const)(
  '%s of a stream answers frame by frame as at each time step',
  (family) => {
    const config = { numClasses: 3, embedDim: 32, vThreshold: 0.2 };
    const heads = family === 'maxResnet' ? {} : { numHeads: 2 };
    // Of some weights, no spike reaches the head.
    const whole = seededWeights(1, () =>
      models[family]({ ...config, ...heads, inputShape: [3, 16, 16, 2] }),
    );
    const stream = models[family]({
      ...{ ...config, ...heads, inputShape: [1, 16, 16, 2] },
      stateful: true,
    });
    stream.setWeights(whole.getWeights());
    tf.tidy(() => {
      const x = tf.randomUniform([2, 3, 16, 16, 2], 0, 4, 'float32', 1).floor();
      const perStep = models.logitsPerStep(whole, x);
      expect(perStep.max().sub(perStep.min()).dataSync()[0]).toBeGreaterThan(1e-3);
      for (const t of [0, 1, 2]) {
        const frame = x.slice([0, t], [-1, 1]);
        const logits = stream.predict(frame) as tf.Tensor;
        expectForwardClose(logits, perStep.slice([0, t], [-1, 1]).squeeze([1]));
      }
    });
    stream.resetStates();
    for (const one of [whole, stream]) one.dispose();
  },
);

const image = { inputShape: [16, 16, 3], numClasses: 3, embedDim: 32 };

test.each<[object, string]>([
  [{ depths: [1, 2] }, 'depths must be of 3 stages, but got [1,2]'],
  [{ depths: 4 }, 'depths must be a list of positive integers, but got 4'],
  [{ depths: [1, 0, 2] }, 'depths[1] must be a positive integer, but got 0'],
  [{ embedDim: 20 }, 'embedDim must be a multiple of 8, but got 20'],
  [{ inputShape: [2, 16, 16, 2], embedDim: 24 }, 'embedDim must be a multiple of 16, but got 24'],
  [{ numHeads: 5 }, 'numHeads must be a divisor of the 32 channels'],
  [
    { mlpRatio: 0.3 },
    'mlpRatio must be a number whose product with the 8 channels is whole, but got 0.3',
  ],
  [{ patchSize: 8 }, 'patchSize must be 4 or 16, but got 8'],
  [{ depth: 4 }, "maxformer has no option 'depth'"],
])('maxformer: %j is refused', async (wrong, message) => {
  await expectNoLeak(() => {
    expect(() => models.maxformer({ ...image, ...wrong })).toThrow(message);
  });
});

test('msQkformer: heads must divide the narrowest stage', async () => {
  await expectNoLeak(() => {
    expect(() => models.msQkformer({ ...image, numHeads: 16 })).toThrow(
      'numHeads must be a divisor of the 8 channels of the first stage that has them, but got 16',
    );
    expect(() => models.msQkformer({ ...image, order: 'x' } as never)).toThrow(
      "msQkformer has no option 'order'",
    );
  });
});

const stage = { filters: 4, downsample: 'none' as const };

test.each<[object, string]>([
  [{ stages: [] }, 'stages must be a list of at least one stage, but got []'],
  [{ stages: [{ ...stage, filters: 0 }] }, 'stages[0].filters must be a positive integer'],
  [{ stages: [{ filters: 4 }] }, "stages[0].downsample must be one of 'pool', 'stride', 'none'"],
  [{ shortcutFrom: 2 }, 'shortcutFrom must be a whole number from 0 to 1, but got 2'],
  [{ timeSteps: 2 }, 'shortcutFrom must be a whole number from 1 to 1, but got 0'],
  [{ timeSteps: 2, encodes: false }, 'encodes must be true with timeSteps, but got false'],
  [{ shortcutDownsample: 'none' }, "shortcutDownsample must be one of 'pool', 'stride'"],
  [{ kernelSize: 3 }, "MaxFormerEmbed has no option 'kernelSize'"],
])('an embedding of %j is refused', (wrong, message) => {
  const config = { stages: [stage, stage], ...wrong };
  expect(() => layers.maxFormerEmbed(config)).toThrow(message);
});

test('blocks and their parts refuse what they do not take', () => {
  expect(() => layers.maxFormerBlock({ kernelSize: 4 })).toThrow('kernelSize must be odd');
  expect(() => layers.maxFormerBlock({ numHeads: 0 })).toThrow('numHeads must be a positive');
  expect(() => layers.maxFormerBlock({ scale: Number.NaN })).toThrow('scale must be');
  const channel = { numHeads: 2, attention: 'channel' } as never;
  expect(() => layers.msqkFormerBlock(channel)).toThrow("attention must be one of 'token', 'full'");
  const wide = { hiddenShortcut: true, hiddenRatio: 2 };
  expect(() => layers.spikingMLP(wide)).toThrow('hiddenRatio must be 1 with hiddenShortcut');
});

test('an embedding that no form has cannot be exchanged', () => {
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: [8, 8, 3] }));
  const stages = Array(6).fill(stage);
  model.add(layers.maxFormerEmbed({ name: 'own', stages, shortcutFrom: 1, timeSteps: 1 }));
  expect(() => spiking.interop.toTorchStateDict(model)).toThrow(
    'no counterpart of own: its embedding 1 has 7 convolutions',
  );
  model.dispose();
});
