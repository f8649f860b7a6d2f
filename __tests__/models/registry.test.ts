/** The paper's networks by name: their parameters, and the authors' state dicts, number for number. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import '../support/backends';
import { buildFast } from '../support/build_fast';
import { loadJson } from '../support/fixtures';
import { expectNoLeak } from '../support/leaks';

interface Preset {
  name: string;
  reference: string;
  arguments: {
    img_size_h: number;
    img_size_w: number;
    patch_size: number;
    in_channels: number;
    embed_dims: number;
    num_heads: number;
    depths: number;
    num_classes: number;
  };
  parameters: number;
  parameters_without_layernorm: number;
  state_dict_entries: number;
  lif_tau: number[];
}

interface Key {
  shape: number[];
  dtype: string;
}

const { presets } = loadJson<{ presets: Preset[] }>('presets/presets');

/** 'CML+Spikingformer-4-256 CIFAR10' -> 'spikingformer-4-256-cifar10'; '... (no CML)' -> '...-no-cml'. */
const ours = ({ name }: Preset) =>
  name
    .replace('CML+', '')
    .replace(' (no CML)', ' no-cml')
    .toLowerCase()
    .replace('cifar10-dvs', 'cifar10dvs')
    .replaceAll(' ', '-');
/** ... -> 'cml_spikingformer_4_256_cifar10'. */
const keysOf = ({ name }: Preset) =>
  loadJson<Record<string, Key>>(
    `presets/keys_${name
      .toLowerCase()
      .replace(/[()]/g, '')
      .replace(/[+\- ]/g, '_')}`,
  );

beforeAll(() => tf.setBackend('cpu'));

test('the list names every network of the paper, with CML and before it', () => {
  const names = spiking.models.list().filter((name) => /^spik(ing)?former-/.test(name));
  expect(new Set(names).size).toBe(names.length);
  expect(presets).toHaveLength(16);
  expect(names).toEqual(expect.arrayContaining(presets.map(ours)));
  const sizes = [
    ...['4-256', '2-384', '4-384'].flatMap((size) => [`${size}-cifar10`, `${size}-cifar100`]),
    ...['8-384', '8-512', '8-768'].map((size) => `${size}-imagenet`),
    ...['2-256-cifar10dvs', '2-256-dvs128'],
  ];
  const expected = ['spikingformer', 'spikformer'].flatMap((family) =>
    sizes.flatMap((size) => [`${family}-${size}`, `${family}-${size}-no-cml`]),
  );
  expect([...names].sort()).toEqual(expected.sort());
});

describe.each(presets.map((preset) => [ours(preset), preset] as const))('%s', (name, preset) => {
  const { arguments: a } = preset;

  test('is configured as the authors call it', () => {
    const config = spiking.models.presetConfig(name);
    expect(config).toMatchObject({
      numClasses: a.num_classes,
      embedDim: a.embed_dims,
      depth: a.depths,
      numHeads: a.num_heads,
      patchSize: a.patch_size,
    });
    expect(config.inputShape.slice(-3)).toEqual([a.img_size_h, a.img_size_w, a.in_channels]);
    expect([config.tau ?? 2]).toEqual(preset.lif_tau);
    expect(config.inputShape.length === 4).toBe(/dvs/.test(name));
    expect(config.order === 'conv-bn-lif-pool').toBe(/no-cml/.test(name));
  });

  test('has their parameters and their state dict: keys, order, shapes, dtypes', async () => {
    await expectNoLeak(() => {
      const model = buildFast(() => spiking.models.create(name));
      expect(spiking.models.countParameters(model)).toEqual({
        parameters: preset.parameters_without_layernorm,
        withUnusedLayerNorms: preset.parameters,
      });
      const stateDict = spiking.interop.toTorchStateDict(model);
      const expected = Object.entries(keysOf(preset));
      expect(expected).toHaveLength(preset.state_dict_entries);
      const dtypes: Record<string, string> = { float32: 'F32', int64: 'I64' };
      const found = Object.entries(stateDict).map(([key, { shape, dtype }]) => ({
        key,
        shape,
        dtype,
      }));
      expect(found).toEqual(
        expected.map(([key, { shape, dtype }]) => ({ key, shape, dtype: dtypes[dtype] })),
      );
      for (const { shape, data } of Object.values(stateDict)) {
        expect(data.length).toBe(shape.reduce((x, y) => x * y, 1));
      }
      model.dispose();
    });
  });
});

/** Spikformers whose files the repositories with the fixtures do not have: the first Spikformer's own names. */
describe('Spikformer of convolutions', () => {
  const keys = (name: string) => {
    const model = buildFast(() => spiking.models.create(name, { depth: 1 }));
    const stateDict = spiking.interop.toTorchStateDict(model);
    model.dispose();
    return stateDict;
  };

  test('for ImageNet has as many parameters as its log says, and no bias in q, k, v', () => {
    const model = buildFast(() => spiking.models.create('spikformer-8-768-imagenet'));
    // number of params: 66363208, as the log of CML+Spikformer-8-768 prints.
    expect(spiking.models.countParameters(model).withUnusedLayerNorms).toBe(66_363_208);
    model.dispose();
    const stateDict = keys('spikformer-8-384-imagenet');
    expect(Object.keys(stateDict)).not.toContain('block.0.attn.q_conv.bias');
    expect(stateDict['block.0.attn.q_conv.weight']!.shape).toEqual([384, 384, 1]);
    expect(stateDict['block.0.attn.proj_conv.bias']!.shape).toEqual([384]);
    expect(stateDict['block.0.mlp.fc1_conv.weight']!.shape).toEqual([1536, 384, 1, 1]);
    expect(stateDict['patch_embed.proj_conv.weight']!.shape).toEqual([48, 3, 3, 3]);
    expect(stateDict['patch_embed.proj_bn3.running_var']!.shape).toEqual([384]);
    expect(stateDict['patch_embed.rpe_conv.weight']!.shape).toEqual([384, 384, 3, 3]);
  });

  test('for events: convolutions of one axis, a scale of 0.25, tau 2', () => {
    const stateDict = keys('spikformer-2-256-cifar10dvs');
    expect(stateDict['block.0.mlp.fc2_conv.weight']!.shape).toEqual([256, 1024, 1]);
    const config = spiking.models.presetConfig('spikformer-2-256-cifar10dvs');
    expect(config).toMatchObject({ scale: 0.25, numHeads: 16, projection: 'conv' });
    expect(config.tau).toBeUndefined();
  });

  test('before CML, for CIFAR: linear maps, and stages by the first names', () => {
    const stateDict = keys('spikformer-4-384-cifar10-no-cml');
    expect(stateDict['patch_embed.proj_conv1.weight']!.shape).toEqual([96, 48, 3, 3]);
    expect(stateDict['block.0.attn.q_linear.bias']!.shape).toEqual([384]);
    expect(stateDict['block.0.mlp.fc1_linear.weight']!.shape).toEqual([1536, 384]);
  });

  test('linear maps begin as timm begins them, convolutions as PyTorch does', () => {
    const { layers } = spiking;
    const start = (projection: 'linear' | 'conv') => {
      const layer = layers.spikformerMLP({ hiddenRatio: 2, projection });
      layer.apply(tf.input({ shape: [2, 4, 64] }));
      const [kernel, bias] = layer.getWeights().map((weight) => weight.dataSync());
      layer.dispose();
      return { largest: Math.max(...kernel!.map(Math.abs)), biases: new Set(bias!).size };
    };
    const linear = start('linear');
    expect(linear.biases).toBe(1);
    expect(linear.largest).toBeGreaterThan(0.05); // 3 sigma of 8192 numbers and beyond
    expect(linear.largest).toBeLessThan(0.12);
    const conv = start('conv');
    expect(conv.biases).toBeGreaterThan(100);
    expect(conv.largest).toBeGreaterThan(0.1249); // uniform in +-1 / sqrt(64)
    expect(conv.largest).toBeLessThanOrEqual(0.125);
  });
});

describe('models.create', () => {
  test('changes a preset as it is told', () => {
    const model = buildFast(() =>
      spiking.models.create('spikingformer-2-256-dvs128', {
        timeSteps: 10,
        numClasses: 5,
        depth: 1,
      }),
    );
    expect(model.inputs[0]!.shape).toEqual([null, 10, 128, 128, 2]);
    expect(model.outputShape).toEqual([null, 5]);
    expect(
      model.layers.filter((layer) => layer.getClassName() === 'SpikingformerBlock'),
    ).toHaveLength(1);
    model.dispose();
    expect(
      spiking.models.presetConfig('spikingformer-4-256-cifar10', { timeSteps: 2 }),
    ).toMatchObject({
      timeSteps: 2,
      inputShape: [32, 32, 3],
    });
  });

  test('lists what there is where a name is unknown', () => {
    const names = spiking.models.list().join(', ');
    for (const name of ['spikingformer-4-256', '', 'toString']) {
      expect(() => spiking.models.create(name)).toThrow(
        `There is no model '${name}'; models.list() has ${names}`,
      );
    }
    expect(() => spiking.models.create(undefined as unknown as string)).toThrow(
      `There is no model undefined; models.list() has ${names}`,
    );
  });

  test('refuses an unknown override', () => {
    const overrides = { heads: 4 } as object;
    expect(() => spiking.models.create('spikingformer-4-256-cifar10', overrides)).toThrow(
      "spikingformer has no option 'heads'; its options are ",
    );
  });
});
