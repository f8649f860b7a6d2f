/** `train --from` a PyTorch checkpoint or safetensors of a tiny network with other classes: its body is taken, and said. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { interop, models } from '../../index';
import { fileHandler } from '../../node';
import '../support/backends';
import { runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const at = (...path: string[]) => join(directory, ...path);
const cli = (...args: string[]) => runFile('cli/index.ts', args, {}, directory);
const train = (...args: string[]) =>
  cli('train', '--data', 'mine/data', '--epochs', '1', '--backend', 'wasm', ...args);
/** What weights and shapes of a checkpoint do not tell. */
const config = JSON.stringify({
  ...{ numHeads: 2, timeSteps: 2, patchSize: 8, order: 'conv-bn-pool-lif' },
  ...{ embedDim: 16, depth: 1, inputShape: [24, 24, 3] },
  vThreshold: 0.1,
});

const asStated = ['--preset', 'spikingformer-4-256-cifar10', '--config', config];

let source: tf.LayersModel;
beforeAll(async () => {
  await tf.setBackend('cpu');
  source = models.spikingformer({
    ...{ inputShape: [24, 24, 3], numClasses: 5, embedDim: 16, depth: 1 },
    ...{ numHeads: 2, timeSteps: 2, patchSize: 8 },
    vThreshold: 0.1, // low, that spikes of random weights reach the end
  });
  const stateDict = interop.toTorchStateDict(source);
  const args = interop.networkArgs(source);
  writeFileSync(at('args.pth'), interop.writeTorchCheckpoint(stateDict, { args }));
  writeFileSync(at('bare.pth'), interop.writeTorchCheckpoint(stateDict));
  writeFileSync(at('bare.safetensors'), interop.writeSafetensors(stateDict));
  expect(cli('init', 'mine').status).toBe(0);
});
afterAll(() => source.dispose());

test.each([
  ['args.pth', []],
  ['bare.pth', asStated],
  ['bare.safetensors', asStated],
])('%s', async (file, options) => {
  const out = `run-${file}`;
  const { status, stdout, stderr } = train(
    ...['--from', file, ...options, '--freeze', 'tokenizer,block1', '--out', out],
  );
  expect({ status, errors: stderr.match(/^error.*/gm) }).toEqual({ status: 0, errors: null });
  const count = source.weights.length;
  expect(stdout).toContain(
    `\nfrom ${file}: ${count - 2} of ${count} weights, of tokenizer, block1; head is new\n`,
  );
  const trained = await tf.loadLayersModel(fileHandler(at(out, 'model')));
  expect(trained.outputs[0]!.shape).toEqual([null, 2]);
  for (const name of ['tokenizer', 'block1']) {
    const of = (model: tf.LayersModel) =>
      model
        .getLayer(name)
        .getWeights()
        .map((weight) => [...weight.dataSync()]);
    expect(of(trained)).toEqual(of(source));
  }
  trained.dispose();
});

test('a recipe with another network: what does not fit is new, and named', () => {
  const wide = train(
    ...[
      '--from',
      'args.pth',
      '--recipe',
      'own-images',
      '--set',
      'model.mlpRatio=2',
      '--out',
      'flat',
    ],
    ...['--set', 'model.embedDim=16', '--set', 'model.numHeads=2'],
  );
  expect(wide.stdout).toMatch(
    /^from args\.pth: \d+ of \d+ weights, of tokenizer, block1; head is new; \d+ others do not fit and are new: block1\/mlp\/fc1\/\S+, .* and \d+ more$/m,
  );
});

test.each([
  [
    'a network that the file does not state',
    ['--from', 'bare.pth'],
    1,
    /numHeads, inputShape, patchSize, order/,
  ],
  [
    '--config of no file',
    ['--config', config],
    2,
    /--config is about the checkpoint file of --from/,
  ],
  [
    'a file that is none',
    ['--from', 'mine/README.md'],
    1,
    /a PyTorch checkpoint must begin as torch\.save's files do/,
  ],
])('%s is an error', (_, args, status, message) => {
  const asked = train(...args, '--out', 'none');
  expect(asked.stderr).toMatch(message);
  expect(asked.status).toBe(status);
});
