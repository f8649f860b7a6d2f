import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { models } from '../../index';
import { fileHandler } from '../../node/runs/file_handler';
import '../support/backends';
import { root, runFile, temporaryDirectory } from '../support/process';

const cli = (...args: string[]) => runFile('cli/index.ts', args);
const lines = (text: string) => text.trimEnd().split('\n');
const directory = temporaryDirectory();

describe('spikingformer', () => {
  test('--version prints the version of package.json', () => {
    const { version } = require(join(root, 'package.json'));
    expect(cli('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('help, asked for in any way, names each command and the exit status', () => {
    for (const args of [[], ['--help'], ['help']]) {
      const { status, stdout, stderr } = cli(...args);
      expect(stdout).toMatch(/summary[\s\S]*doctor[\s\S]*Examples:[\s\S]*Exit status/);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
  });

  test.each([
    [['sumary'], /^error: unknown command 'sumary' \(Did you mean summary\?\)$/],
    [['summary', '--jsn'], /^error: unknown option '--jsn' \(Did you mean --json\?\)$/],
    [['summary', 'a', 'b'], /^error: too many arguments for 'summary'\. Expected 1/],
    [
      ['summary', 'spikingformer-9-9'],
      /^error: model must be a run's folder, a saved model, .* but got 'spikingformer-9-9'/,
    ],
  ])('%j is a usage error: one line, status 2', (args, message) => {
    const { status, stdout, stderr } = cli(...args);
    expect(lines(stderr)).toHaveLength(1);
    expect(lines(stderr)[0]).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

describe('summary', () => {
  test('without a model lists trained models and presets', () => {
    const { status, stdout } = cli('summary');
    expect(status).toBe(0);
    expect(lines(stdout)).toEqual([...Object.keys(models.trainedModels), ...models.list()]);
  });

  // Counted by the authors' code: __tests__/fixtures/presets/presets.json.
  test('of a preset prints its layers and both counts', () => {
    const { status, stdout, stderr } = cli('summary', 'spikingformer-4-256-cifar10');
    expect(stdout).toMatch(/block4 \(SpikingformerBlock/);
    expect(lines(stdout).filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/ 4,152,106 {2}parameters/);
    expect(stdout).toMatch(/ 4,156,202 {2}with the authors' two unused LayerNorms/);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('--json of a saved model', async () => {
    await tf.setBackend('cpu');
    const path = join(directory, 'saved');
    const dense = tf.layers.dense({ units: 3, inputShape: [4] });
    await tf
      .sequential({ layers: [dense, tf.layers.batchNormalization()] })
      .save(fileHandler(path));
    const { status, stdout } = cli('summary', path, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      model: path,
      parameters: 21,
      withUnusedLayerNorms: 21,
      runningStatistics: 6,
    });
  });

  test('a damaged model: one line that names the file, status 1', () => {
    const path = join(directory, 'damaged.json');
    writeFileSync(path, '{"modelTopology": ');
    const { status, stdout, stderr } = cli('summary', path);
    expect(lines(stderr)).toEqual([expect.stringMatching(/^error: .*damaged\.json is not JSON/)]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });
});

describe('doctor', () => {
  test('proves the backends of this machine', () => {
    const { status, stdout, stderr } = cli('doctor');
    expect(stdout).toMatch(/Node +v\d+/);
    expect(stdout).toMatch(/wasm +works and trains \(.*neurons in one kernel.*SIMD.*\)/);
    expect(stdout).toMatch(/cpu +works and trains/);
    expect(stdout).toMatch(/no problems found/);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('--json holds the same findings', () => {
    const { node, tfjs, backends, problems } = JSON.parse(cli('doctor', '--json').stdout);
    expect(node.version).toBe(process.version);
    expect(tfjs).toMatchObject({
      version: tf.version.tfjs,
      copies: [{ version: tf.version.tfjs }],
    });
    expect(problems).toEqual([]);
    const names = backends.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['cpu', 'wasm']));
  });
});
