/** The quickstart as a process: what it says to bad options, and that Ctrl-C leaves a model. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fileHandler } from 'tfjs-spikingformer/node';
import { nodeArgs, root, runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();

test.each<[args: string, message: RegExp]>([
  ['--unknown', /^error: unknown option '--unknown'\n$/],
  ['--epochs 0', /^error: option '--epochs <n>' argument '0' is invalid.*positive integer\.\n$/],
  ['--lr NaN', /^error: option '--lr <rate>' argument 'NaN' is invalid.*positive number\.\n$/],
  ['--embed-dim 20', /^error: option '--embed-dim <n>' argument '20' .*multiple of 8\.\n$/],
  ['--dataset fish', /^error: option '--dataset <name>' argument 'fish' .*mnist, cifar10\.\n$/],
])('%s is one line of error', (args, message) => {
  const { status, stdout, stderr } = runFile('examples/quickstart.ts', args.split(' '));
  expect(stderr).toMatch(message);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

test('Ctrl-C in training saves the model', async () => {
  const out = join(directory, 'interrupted');
  const args = ['--samples', '60000', '--embed-dim', '16', '--batch', '8', '--out', out];
  const child = spawn(process.execPath, [...nodeArgs('examples/quickstart.ts'), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (text) => {
    // As npm and tsx do it: more than once.
    if (!stdout.includes('training') && `${stdout}${text}`.includes('training')) {
      setTimeout(() => child.kill('SIGINT'), 1000);
      setTimeout(() => child.kill('SIGINT'), 1100);
    }
    stdout += text;
  });
  // A second one that comes while Node shuts down ends the process by signal: to a shell, 130 as well.
  const status = await new Promise((resolve) => {
    child.on('close', (code, signal) => resolve(signal === 'SIGINT' ? 130 : code));
  });
  expect(stdout.trim().split('\n').at(-1)).toBe(
    `stopped; the model as it is now is saved in ${out}`,
  );
  expect(status).toBe(130);

  const model = await tf.loadLayersModel(fileHandler(out));
  expect(model.inputs[0].shape).toEqual([null, 28, 28, 1]);
  model.dispose();
});
