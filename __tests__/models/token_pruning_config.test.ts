/** Networks that keep some tokens: in files, in recipes, in counts of operations, and what is refused. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { countOperations } from 'tfjs-spikingformer/analysis';
import { parseRecipe } from '../../training/parse_recipe';
import '../support/backends';
import { expectForwardClose } from '../support/compare';
import { predict, savedAndLoaded } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';
import { build, config, families, images, names } from './pruned_networks';

const { models, interop } = spiking;

describe('on cpu', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test.each(names)(
    '%s is saved, loaded, fused, rebuilt, and written as a checkpoint',
    async (name) => {
      const model = build(name, { keepTokens: [0.5, null, 3], scoreWindow: 5 });
      const x = images();
      const expected = predict(model, x);
      const loaded = await savedAndLoaded(model);
      expect(predict(loaded, x)).toEqual(expected);
      const stateDict = interop.toTorchStateDict(model);
      const args = interop.networkArgs(model);
      expect(args.tfjs_spikingformer).toMatchObject({ keepTokens: [0.5, null, 3], scoreWindow: 5 });
      const { preset, config: found } = interop.recognizePreset(stateDict, { args });
      const again = models.create(preset, found);
      interop.loadTorchStateDict(again, stateDict);
      expect(predict(again, x)).toEqual(expected);
      const [fused, quick] = [models.fuseBatchNorm(model), models.withTimeSteps(model, 1)];
      tf.tidy(() => {
        expectForwardClose(fused.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor);
        expect((quick.predict(x) as tf.Tensor).isNaN().any().dataSync()[0]).toBe(0);
      });
      x.dispose();
      for (const each of [model, loaded, again, fused, quick]) each.dispose();
    },
  );

  test('operations are those of the tokens kept', () => {
    const rowsOf = (keepTokens?: number) => {
      const model = build('sdt', { keepTokens });
      const { layers } = countOperations(model);
      model.dispose();
      return new Map(layers.map(({ path, operations }) => [path, operations]));
    };
    const [whole, quarter] = [rowsOf(), rowsOf(4)];
    for (const path of ['block1/attn/q', 'block2/attn/product', 'block3/mlp/fc2']) {
      expect([path, quarter.get(path)]).toEqual([path, whole.get(path)! / 4]);
    }
    expect(quarter.get('tokenizer/rpe')).toBe(whole.get('tokenizer/rpe'));
  });

  test.each<[object, string]>([
    [
      { keepTokens: 0 },
      'keepTokens must be a whole number of tokens, or a share of them below 1, but got 0',
    ],
    [
      { keepTokens: 1.5 },
      'keepTokens must be a whole number of tokens, or a share of them below 1, but got 1.5',
    ],
    [{ keepTokens: 17 }, 'keepTokens must be at most the number of tokens (16), but got 17'],
    [
      { keepTokens: [4, 4] },
      'keepTokens must be a list with one entry for each of the 3 blocks, but got [4,4]',
    ],
    [
      { keepTokens: [4, 4, 'all'] },
      "keepTokens[2] must be a whole number of tokens, or a share of them below 1, but got 'all'",
    ],
    [{ keepTokens: 4, scoreWindow: 2 }, 'scoreWindow must be odd, but got 2'],
    [{ keepTokens: 4, stateful: true }, 'keepTokens must be left out if stateful is true'],
    [{ keepTokens: 4, dvsMode: true }, 'keepTokens must be left out with dvsMode'],
  ])('%j is refused', async (wrong, message) => {
    await expectNoLeak(() => {
      expect(() => families.sdt({ ...config, ...wrong })).toThrow(message);
    });
  });

  test('a block of tokens without an image is refused', () => {
    const block = spiking.layers.spikingformerBlock({ numHeads: 1, keepTokens: 2 });
    expect(() => block.apply(tf.input({ shape: [2, 6, 8] }))).toThrow(
      'of shape [batch, time, height, width, channels]',
    );
  });

  test('a recipe has keepTokens', () => {
    const recipe = (keepTokens: string) =>
      parseRecipe(
        `name: mine
description: none
seed: 1
model: { preset: sdt-2-256-cifar10, keepTokens: ${keepTokens} }
data: { name: cifar10 }
epochs: 1
batchSize: 1
effectiveBatch: 1
optimizer: { name: adamw, learningRate: 1e-3 }
`,
        'mine.yaml',
      );
    expect(recipe('0.5').model.keepTokens).toBe(0.5);
    expect(recipe('[16, null]').model.keepTokens).toEqual([16, null]);
    for (const wrong of ['-1', '1.5', 'half', 'null', '[0.5, all]']) {
      expect(() => recipe(wrong)).toThrow(
        'mine.yaml:4: model.keepTokens must be a whole number of tokens, a share of them below 1, or a list',
      );
    }
  });
});
