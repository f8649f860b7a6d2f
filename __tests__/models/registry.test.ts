/** The paper's networks by name: their parameters, and the authors' state dicts, number for number. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import '../support/backends';
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

/** 'CML+Spikingformer-4-256 CIFAR10' -> 'spikingformer-4-256-cifar10'. */
const ours = ({ name }: Preset) =>
  name.replace('CML+', '').toLowerCase().replace('cifar10-dvs', 'cifar10dvs').replace(' ', '-');
/** ... -> 'cml_spikingformer_4_256_cifar10'. */
const keysOf = ({ name }: Preset) =>
  loadJson<Record<string, Key>>(`presets/keys_${name.toLowerCase().replace(/[+\- ]/g, '_')}`);

const cml = presets.filter(({ name }) => name.startsWith('CML+Spikingformer'));

/** Fresh weights in no time: zeros, whatever the initializers say. */
function buildFast(build: () => tf.LayersModel): tf.LayersModel {
  const slow = ['VarianceScaling', 'RandomNormal', 'RandomUniform'] as const;
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const spies = slow.map((name) => {
    const [initializer] = classNameMap[name] as unknown as [
      { prototype: { apply(shape: number[]): tf.Tensor } },
    ];
    return jest
      .spyOn(initializer.prototype, 'apply')
      .mockImplementation((shape) => tf.zeros(shape));
  });
  try {
    return build();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

beforeAll(() => tf.setBackend('cpu'));

test('the list names every Spikingformer of the paper', () => {
  const names = spiking.models.list();
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(cml.map(ours)));
  expect(cml).toHaveLength(9);
  expect(names.filter((name) => !cml.map(ours).includes(name)).sort()).toEqual([
    'spikingformer-2-384-cifar100',
    'spikingformer-4-256-cifar100',
  ]);
});

describe.each(cml.map((preset) => [ours(preset), preset] as const))('%s', (name, preset) => {
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

describe.each(
  presets
    .filter(({ name }) => /^Spikingformer.*no CML/.test(name))
    .map((p) => [p.name, p] as const),
)('%s', (name, preset) => {
  test("order 'conv-bn-lif-pool' is the network before CML, with its authors' keys", () => {
    const bare = preset.name.replace(' (no CML)', '');
    const model = buildFast(() =>
      spiking.models.create(ours({ ...preset, name: bare }), {
        order: 'conv-bn-lif-pool',
        tau: preset.lif_tau[0],
      }),
    );
    const suffix = `${name.replace(/[()]/g, '')}`.toLowerCase().replace(/[+\- ]/g, '_');
    const expected = loadJson<Record<string, Key>>(`presets/keys_${suffix}`);
    const stateDict = spiking.interop.toTorchStateDict(model);
    expect(Object.keys(stateDict)).toEqual(Object.keys(expected));
    for (const [key, { shape }] of Object.entries(expected))
      expect(stateDict[key]!.shape).toEqual(shape);
    expect(spiking.models.countParameters(model).withUnusedLayerNorms).toBe(preset.parameters);
    model.dispose();
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
