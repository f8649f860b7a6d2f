/** Which network a state_dict is of: every preset's names and shapes, ambiguity, args, and what is not said. */
import * as tf from '@tensorflow/tfjs';
import { recognizePreset } from '../../interop/torch_preset';
import { presetConfig } from '../../models';
import '../support/backends';
import { loadJson } from '../support/fixtures';

beforeAll(() => tf.setBackend('cpu'));

type Shapes = Record<string, { shape: number[] }>;

const shapesOf = (file: string) => loadJson<Shapes>(`presets/keys_${file}`);

test.each([
  ['cml_spikingformer_4_256_cifar10', 'spikingformer-4-256-cifar10'],
  ['cml_spikingformer_2_384_cifar10', 'spikingformer-2-384-cifar10'],
  ['cml_spikingformer_4_384_cifar10', 'spikingformer-4-384-cifar10'],
  ['cml_spikingformer_4_384_cifar100', 'spikingformer-4-384-cifar100'],
  ['spikingformer_4_384_cifar10_no_cml', 'spikingformer-4-384-cifar10-no-cml'],
  ['cml_spikformer_4_256_cifar10', 'spikformer-4-256-cifar10'],
  ['cml_spikformer_4_384_cifar100', 'spikformer-4-384-cifar100'],
])('%s is %s', (file, preset) => {
  const found = recognizePreset(shapesOf(file));
  expect(found.preset).toBe(preset);
  expect(found.config).toEqual({});
  expect(found.sources.join()).toMatch(
    /only preset with these shapes.*heads \d+, time steps 4, tau 2/,
  );
});

test.each([
  ['cml_spikingformer_8_384_imagenet', 'spikingformer-8-384-imagenet'],
  ['cml_spikingformer_8_768_imagenet', 'spikingformer-8-768-imagenet'],
  ['cml_spikingformer_2_256_cifar10_dvs', 'spikingformer-2-256-cifar10dvs'],
  ['cml_spikingformer_2_256_dvs128', 'spikingformer-2-256-dvs128'],
])(
  '%s has the shapes of the network before CML too: that is an error until one is named',
  (file, preset) => {
    const shapes = shapesOf(file);
    expect(() => recognizePreset(shapes)).toThrow(
      `${preset} and ${preset}-no-cml have the same shapes: say which it is (--preset)`,
    );
    for (const name of [preset, `${preset}-no-cml`]) {
      expect(recognizePreset(shapes, { preset: name })).toMatchObject({ preset: name, config: {} });
      const { order = 'conv-bn-pool-lif' } = presetConfig(name);
      expect(recognizePreset(shapes, { config: { order } }).preset).toBe(name);
    }
  },
);

const shapes = shapesOf('cml_spikingformer_4_384_cifar10');

test("heads, time steps and tau of the checkpoint's args, and of the caller before them", () => {
  const args = { num_heads: 8, time_step: 6, tau: 1.5, img_size: 32, patch_size: 4, lr: 1 };
  expect(recognizePreset(shapes, { args })).toMatchObject({
    preset: 'spikingformer-4-384-cifar10',
    config: { numHeads: 8, timeSteps: 6, tau: 1.5 },
  });
  const given = recognizePreset(shapes, { args, config: { numHeads: 16 } });
  expect(given.config).toEqual({ numHeads: 16, timeSteps: 6, tau: 1.5 });
});

test('a tensor too many hides nothing; one too few needs the name of the preset', () => {
  const preset = 'spikingformer-4-384-cifar10';
  const more = { ...shapes, 'block.0.extra.weight': { shape: [1] } };
  expect(recognizePreset(more).preset).toBe(preset);
  const { 'block.0.attn.q_bn.bias': _, ...fewer } = shapes;
  expect(() => recognizePreset(fewer)).toThrow(/no preset has these names.*\(--preset\)$/);
  expect(recognizePreset(fewer, { preset }).preset).toBe(preset);
});

test('a preset that is named goes before args', () => {
  const preset = 'spikingformer-4-384-cifar10';
  const { config, sources } = recognizePreset(shapes, { preset, args: { num_heads: 8 } });
  expect(config).toEqual({});
  expect(sources.join('\n')).toMatch(/numHeads 8: not used/);
});

test('args that say nothing usable are none', () => {
  for (const args of [
    null,
    'x',
    [],
    { num_heads: -1, time_step: 2.5, T: {}, img_size: '32', tau: NaN },
  ]) {
    expect(recognizePreset(shapes, { args }).config).toEqual({});
  }
});

test('other classes: the preset is named, its head gets as many', () => {
  const other = { ...shapes, 'head.weight': { shape: [7, 384] }, 'head.bias': { shape: [7] } };
  expect(() => recognizePreset(other)).toThrow(
    /no preset has these sizes.*7 classes.*--config say.*; with these sizes, but other classes: spikingformer-4-384-cifar10, \S+ \(name it: --preset\)$/,
  );
  const { config } = recognizePreset(other, { preset: 'spikingformer-4-384-cifar10' });
  expect(config).toEqual({ numClasses: 7 });
});

test('a network of other sizes, from its shapes and args', () => {
  const small = Object.fromEntries(
    Object.entries(shapes)
      .filter(([key]) => !/^block\.[123]\./.test(key))
      .map(([key, { shape }]) => [key, { shape: shape.map((n) => (n >= 48 ? n / 8 : n)) }]),
  );
  const args = { num_heads: 6, T: 2, img_size: 16, patch_size: 4 };
  const { preset, config } = recognizePreset(small, { args });
  expect(presetConfig(preset, config)).toMatchObject({
    ...{ embedDim: 48, depth: 1, numHeads: 6, timeSteps: 2, inputShape: [16, 16, 3] },
    ...{ patchSize: 4, numClasses: 10 },
  });
  expect(() => recognizePreset(small)).toThrow(/neither.* say numHeads, inputShape, patchSize/);
});

test('the wrong preset: what differs, and which fit', () => {
  expect(() => recognizePreset(shapes, { preset: 'spikingformer-2-384-cifar10' })).toThrow(
    'the state dict is not of spikingformer-2-384-cifar10: it has depth 4 instead of 2; ' +
      'spikingformer-4-384-cifar10 fit',
  );
  expect(() => recognizePreset(shapes, { preset: 'spikformer-4-384-cifar10' })).toThrow(
    /other names of weights/,
  );
  expect(() => recognizePreset(shapes, { preset: 'resnet' })).toThrow(/There is no model 'resnet'/);
});

test.each<[string, Shapes, RegExp]>([
  ['nothing', {}, /no head\.weight/],
  ['no blocks', { 'head.weight': { shape: [10, 8] } }, /no block/],
  [
    'other names',
    Object.fromEntries(
      Object.entries(shapes).map(([key, value]) => [key.replace('.attn.', '.mixer.'), value]),
    ),
    /no preset has these names/,
  ],
])('%s is no network known here', (_, wrong, message) => {
  expect(() => recognizePreset(wrong)).toThrow(message);
});
