/** Recipes: the package's are possible, and those of the paper have its figures. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { models } from '../../index';
import { cosineSchedule } from '../../training/cosine_schedule';
import { modelFromRecipe } from '../../training/from_recipe';
import { parseRecipe } from '../../training/parse_recipe';
import '../support/backends';
import { loadJson } from '../support/fixtures';
import { root } from '../support/process';

const folder = join(root, 'recipes');
const files = readdirSync(folder);
const text = (file: string) => readFileSync(join(folder, file), 'utf8');
const recipe = (name: string) => parseRecipe(text(`${name}.yaml`), name);

beforeAll(() => tf.setBackend('cpu'));

test.each(files)('%s is possible, and named as its file', (file) => {
  const { name, schedule, epochs, optimizer } = parseRecipe(text(file), file);
  expect(`${name}.yaml`).toBe(file);
  const { learningRate } = optimizer;
  expect(cosineSchedule({ learningRate, epochs, ...schedule }).totalEpochs).toBeGreaterThan(0);
});

// One of each kind: building takes seconds.
const built = [
  'cifar10-tiny',
  'mnist-tiny',
  'cifar10-4-256',
  'dvs128-t10',
  'spikformer-cifar10-2-384',
  'qkformer-cifar10dvs-t16',
  'sdt-cifar10-2-256',
  'sglformer-dvs128-t10',
  'maxformer-cifar10dvs-t16',
  'msqkformer-dvs128-t16',
  'maxresnet-cifar100-18',
  'sentences-1-64',
];
test.each(built)('%s: its network has the expected parameters', (name) => {
  const parsed = recipe(name);
  const model = modelFromRecipe(parsed);
  expect(models.countParameters(model).parameters).toBe(parsed.expected!.parameters);
  model.dispose();
});

test('the paper has a recipe for each of its rows, with the figures of the authors', () => {
  const { presets } = loadJson<{
    presets: { name: string; parameters_without_layernorm: number }[];
  }>('presets/presets');
  const figures: Record<string, number> = Object.fromEntries(
    presets.map(({ name, parameters_without_layernorm: n }) => [name, n]),
  );
  const rows = {
    'cifar10-4-256': 'CML+Spikingformer-4-256 CIFAR10',
    'cifar10-2-384': 'CML+Spikingformer-2-384 CIFAR10',
    'cifar10-4-384': 'CML+Spikingformer-4-384 CIFAR10',
    'cifar10-4-384-400': 'CML+Spikingformer-4-384 CIFAR10',
    'cifar100-4-384': 'CML+Spikingformer-4-384 CIFAR100',
    'imagenet-8-384': 'CML+Spikingformer-8-384 ImageNet',
    'imagenet-8-512': 'CML+Spikingformer-8-512 ImageNet',
    'imagenet-8-768': 'CML+Spikingformer-8-768 ImageNet',
    'cifar10dvs-t16': 'CML+Spikingformer-2-256 CIFAR10-DVS',
    'dvs128-t16': 'CML+Spikingformer-2-256 DVS128',
    'spikformer-cifar10-4-384': 'CML+Spikformer-4-384 CIFAR10',
    'spikformer-cifar100-4-384': 'CML+Spikformer-4-384 CIFAR100',
  };
  for (const [name, row] of Object.entries(rows)) {
    expect({ name, parameters: recipe(name).expected!.parameters }).toEqual({
      name,
      parameters: figures[row],
    });
  }
  const ofPaper = /^(spikformer-)?(cifar|imagenet|dvs)(?!.*tiny|10-2-128)/;
  expect(files.filter((file) => ofPaper.test(file))).toHaveLength(30);
  const { lr } = loadJson<{ schedules: { name: string; lr: number[] }[] }>(
    'recipe/lr_schedules',
  ).schedules.find(({ name }) => name === 'cifar10.yml')!;
  const { optimizer, epochs, schedule, expected } = recipe('cifar10-4-384-400');
  const rates = cosineSchedule({ learningRate: optimizer.learningRate, epochs, ...schedule });
  lr.forEach((rate, epoch) => {
    expect(rates.at(epoch)).toBeCloseTo(rate, 12);
  });
  expect(expected!.best).toEqual({ epoch: 397, accuracy: 95.97 });
});
