/** What `convert` wrote it reads: a model of any family goes to either format and back with no option. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { convert } from '../../cli/convert';
import { interop, models } from '../../index';
import type { FamilyConfig } from '../../models/family';
import { familyOfPreset, presetConfig } from '../../models/registry';
import { fileHandler } from '../../node';
import '../support/backends';
import { temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const at = (name: string) => join(directory, name);

/** One preset of each kind: family, data, order. */
const kinds = new Map(models.list().map((name) => [name.replace(/-\d+-\d+-/, '-'), name] as const));
/** Different from every preset. */
const changed = {
  ...{ embedDim: 16, numHeads: 2, mlpRatio: 2, numClasses: 7 },
  ...{ tau: 1.25, vThreshold: 0.75, vReset: null, detachReset: false, decayInput: false },
  ...{ surrogate: 'atan' as const, alpha: 3, attnVThreshold: 0.25, scale: 0.5 },
};
function changesOf(preset: string): Partial<models.ModelConfig> {
  const { options, authors } = familyOfPreset(preset);
  const base = presetConfig(preset);
  const { depth = 0, depths = [] } = authors.smallest(base as models.ModelConfig & FamilyConfig);
  const inputs: Record<number, object> = {
    1: { inputShape: [7], timeSteps: 3, vocabSize: 11, positions: true, padId: 0 },
    3: { inputShape: [32, 48, 3], timeSteps: 3 },
    4: { inputShape: [3, 32, 48, 2] },
  };
  const all = {
    ...changed,
    depth: Math.max(2, Number(depth)),
    depths: (depths as number[]).map((blocks, i) => blocks + i),
    ...inputs[base.inputShape.length],
  };
  const isOption = (key: string) =>
    key in options && base[key as keyof models.ModelConfig] !== null;
  return Object.fromEntries(Object.entries(all).filter(([key]) => isOption(key)));
}

const configs = (model: tf.LayersModel) =>
  model.layers.map((layer) => {
    const { name: _, ...config } = layer.getConfig();
    return config;
  });
const bits = (model: tf.LayersModel) =>
  model.getWeights().map((w) => Buffer.from(w.dataSync().buffer).toString('hex'));

beforeAll(async () => {
  await tf.setBackend('cpu');
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterAll(() => jest.restoreAllMocks());

describe.each([...kinds])('%s', (kind, preset) => {
  let model: tf.LayersModel;
  beforeAll(async () => {
    const fresh = models.create(preset, changesOf(preset));
    await fresh.save(fileHandler(at(`${kind}-in`)));
    fresh.dispose();
    model = await tf.loadLayersModel(fileHandler(at(`${kind}-in`)));
  });
  afterAll(() => model.dispose());

  test.each(['pth', 'safetensors'])('through .%s', async (ending) => {
    await convert(at(`${kind}-in`), at(`${kind}.${ending}`), { force: true });
    await convert(at(`${kind}.${ending}`), at(`${kind}-out`), { force: true });
    const back = await tf.loadLayersModel(fileHandler(at(`${kind}-out`)));
    expect(back.inputs[0]!.shape).toEqual(model.inputs[0]!.shape);
    expect(configs(back)).toEqual(configs(model));
    expect(bits(back)).toEqual(bits(model));
    back.dispose();
  });
});

test("heads, time steps, tau and sizes have the scripts' names", () => {
  const model = models.create('spikingformer-4-256-cifar10', {
    ...changed,
    depth: 2,
    inputShape: [32, 48, 3],
  });
  const args = interop.networkArgs(model);
  expect(args).toMatchObject({
    ...{ num_heads: 2, time_step: 4, T: 4, tau: 1.25, dim: 16, layer: 2, mlp_ratio: 2 },
    ...{ num_classes: 7, patch_size: 4, img_size: 32, img_size_w: 48, in_channels: 3 },
    tfjs_spikingformer: {
      family: 'spikingformer',
      order: 'conv-bn-pool-lif',
      attnVThreshold: 0.25,
    },
  });
  const stateDict = interop.toTorchStateDict(model);
  model.dispose();
  const wrong = (own: object) => () =>
    interop.recognizePreset(stateDict, { args: { tfjs_spikingformer: own } });
  expect(wrong({ family: 'resnet' })).toThrow(/family must be one of spikingformer.* is "resnet"/);
  expect(wrong({ family: 'spikingformer', heads: 2 })).toThrow(/has heads, which is not an option/);
  expect(wrong({ family: 'spikformer' })).toThrow(/args are of a spikformer, but its weights/);
});

test("a script's own args stay beside them", async () => {
  const model = models.create('spikformer-4-256-cifar10', {
    ...{ ...changed, depth: 2, inputShape: [16, 16, 3] },
  });
  const stateDict = interop.toTorchStateDict(model);
  const args = { lr: 0.5, ...interop.networkArgs(model) };
  model.dispose();
  writeFileSync(at('a.pth'), interop.writeTorchCheckpoint(stateDict, { args, epoch: 3 }));
  await convert(at('a.pth'), at('b.pth'), { config: '{"tau": 1.75}' });
  const { meta } = interop.readTorchCheckpoint(new Uint8Array(readFileSync(at('b.pth'))));
  expect(meta).toMatchObject({ epoch: 3, args: { lr: 0.5, num_heads: 2, tau: 1.75 } });
});
