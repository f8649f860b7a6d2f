/** Losses of recipes: what can be asked for, and that it is what a Trainer minimizes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { lossFromRecipe } from '../../training/_recipe_loss';
import { modelFromRecipe, trainerConfigFromRecipe } from '../../training/from_recipe';
import { parseRecipe } from '../../training/parse_recipe';
import { modelTeacher } from '../../training/teacher';
import { tetLoss } from '../../training/tet_loss';
import '../support/backends';
import { memorySource } from '../../datasets/memory_source';
import { root } from '../support/process';

const text = readFileSync(join(root, 'recipes', 'mnist-tiny.yaml'), 'utf8');
const recipe = (...settings: string[]) => parseRecipe(text, 'my.yaml', settings);

beforeAll(() => tf.setBackend('cpu'));

test.each<[string, RegExp]>([
  ['loss.name=ted', /^--set: loss\.name must be one of "cross-entropy"\|"tet"$/],
  ['loss={name: cross-entropy, mean: 1}', /^my\.yaml:1: loss\.mean is for tet only$/],
  ['loss={name: tet, lambda: 2}', /loss\.lambda must be <=1$/],
  ['loss={name: tet, lamda: 0.1}', /loss\.lamda is not an option \(Did you mean loss\.lambda\?\)$/],
  ['distillation={}', /^--set: distillation needs one of softLabels, weightedSoftLabels, /],
  ['distillation.labels=1', /distillation needs one of .*temporalSeparation, blurredFeatures$/],
  [
    'distillation.softlabels.weight=1',
    /distillation\.softlabels is not an option \(Did you mean distillation\.softLabels\?\)/,
  ],
  [
    'distillation.softLabels.temprature=4',
    /distillation\.softLabels\.temprature is not an option \(Did you mean distillation\.softLabels\.temperature\?\)/,
  ],
  ['distillation.softLabels.temperature=0', /distillation\.softLabels\.temperature must be >0$/],
  ['distillation.softLabels.weight=-1', /distillation\.softLabels\.weight must be >=0$/],
  [
    'distillation.blurredFeatures={layer: block1}',
    /distillation\.blurredFeatures\.teacherLayer is missing: string$/,
  ],
])('%s is refused', (setting, message) => {
  expect(() => recipe(setting)).toThrow(message);
});

const source = memorySource({
  name: 'mnist',
  split: 'train',
  data: new Uint8Array(64 * 28 * 28),
  shape: [28, 28, 1],
  labels: new Uint8Array(64),
  classNames: Array.from({ length: 10 }, (_, i) => String(i)),
});
const data = { train: source, test: source };
const distilling = [
  'distillation.softLabels.temperature=4',
  'distillation.blurredFeatures={layer: block1, teacherLayer: conv, weight: 1}',
];
const stock = () =>
  tf.sequential({
    layers: [
      tf.layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, inputShape: [28, 28, 1] }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10 }),
    ],
  });

test('none is the cross entropy, tet asks for each time step and takes its options', () => {
  expect(lossFromRecipe(recipe(), {})).toEqual({ compute: expect.any(Function) });
  const loss = lossFromRecipe(recipe('loss={name: tet, lambda: 0.5, mean: 0}'), {});
  expect(loss.perStep).toBe(true);
  tf.tidy(() => {
    const steps = tf.randomNormal([4, 2, 3], 0, 1, 'float32', 1) as tf.Tensor3D;
    const targets = tf.oneHot(tf.tensor1d([0, 1, 2, 0], 'int32'), 3).toFloat();
    const batch = { targets, logits: steps.mean(1), logitsPerStep: steps };
    const value = loss.compute({ ...batch, at: { epoch: 0, batch: 0 } });
    expect(value.dataSync()).toEqual(tetLoss(targets, steps, { lambda: 0.5, mean: 0 }).dataSync());
  });
});

test("a Trainer's configuration has the loss and the teacher; maps are of both networks' channels", () => {
  const given = recipe(...distilling);
  const model = modelFromRecipe(given);
  const large = stock();
  const teacher = modelTeacher(large, { featuresOf: 'conv' });
  const config = trainerConfigFromRecipe(given, { ...data, model, teacher });
  expect(config.teacher).toBe(teacher);
  expect(config.loss).toMatchObject({ featuresOf: 'block1', perStep: false });
  const { variables } = config.loss as { variables: Record<string, tf.Variable> };
  expect(Object.entries(variables).map(([name, { shape }]) => [name, shape])).toEqual([
    ['align/kernel', [1, 1, 64, 4]],
    ['align/bias', [4]],
    ['restore1/kernel', [3, 3, 4, 4]],
    ['restore1/bias', [4]],
    ['restore2/kernel', [3, 3, 4, 4]],
    ['restore2/bias', [4]],
  ]);
  tf.dispose(variables);
  model.dispose();
  large.dispose();
});

test('a teacher and distillation come together, with the layers that they name', () => {
  const given = recipe(...distilling);
  const model = modelFromRecipe(given);
  const large = stock();
  const teacher = modelTeacher(large, { featuresOf: 'conv' });
  expect(() => trainerConfigFromRecipe(given, { ...data, model })).toThrow(
    'recipe mnist-tiny has distillation, which needs a teacher',
  );
  expect(() => trainerConfigFromRecipe(recipe(), { ...data, model, teacher })).toThrow(
    'recipe mnist-tiny has no distillation',
  );
  expect(() => lossFromRecipe(given, { teacher })).toThrow(/needs the model that is trained/);
  expect(() => lossFromRecipe(given, { model, teacher: modelTeacher(large) })).toThrow(
    /needs the teacher's features of conv/,
  );
  const other = recipe(...distilling, 'distillation.blurredFeatures.layer=blokc1');
  expect(() => lossFromRecipe(other, { model, teacher })).toThrow(/\(Did you mean block1\?\)/);
  model.dispose();
  large.dispose();
});
