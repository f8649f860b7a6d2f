/** `spikingformer quantize`: the folder it writes, its report, answers before and after, and what it refuses. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { fileHandler } from '../../node/runs/file_handler';
import '../support/backends';
import { seedWeights } from '../support/layer_test';
import { runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const model = join(directory, 'net');
const environment = { SPIKINGFORMER_DATA: directory };
const cli = (...args: string[]) => runFile('cli/index.ts', args, environment);

/** MNIST's test set, of ten images that are noise. */
function writeMnist(): void {
  const folder = join(directory, 'mnist');
  mkdirSync(folder, { recursive: true });
  const pixels = Array.from({ length: 10 * 28 * 28 }, (_, i) => (i * i * 37) % 256);
  const images = [0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 28, 0, 0, 0, 28, ...pixels];
  writeFileSync(join(folder, 't10k-images-idx3-ubyte'), Uint8Array.from(images));
  const labels = [0, 0, 8, 1, 0, 0, 0, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  writeFileSync(join(folder, 't10k-labels-idx1-ubyte'), Uint8Array.from(labels));
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  writeMnist();
  const { layers } = spiking;
  const network = tf.sequential({
    layers: [
      layers.cmlDownsample({ name: 'down', filters: 64, timeSteps: 2, inputShape: [28, 28, 1] }),
      layers.cmlDownsample({ name: 'next', filters: 32 }),
      layers.rateReadout({ name: 'readout' }),
      tf.layers.dense({ name: 'head', units: 10 }),
    ],
  });
  for (const layer of network.layers) if (layer.weights.length > 0) seedWeights(layer);
  network.setUserDefinedMetadata({ mine: 1 });
  await network.save(fileHandler(model));
  network.dispose();
});

test('writes a folder beside the model, which other commands read, and says what moved', () => {
  const args = ['--data', 'mnist', '--partial', '--backend', 'cpu'];
  const { status, stdout, stderr } = cli('quantize', model, '--to', 'int8', ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^weights: 78,888 bytes, now 20,904 \(26\.\d\d %\)$/m);
  expect(stdout).toMatch(/^ConvBN +int8 per channel +19,008 {2}0\.\d+ of \d\.\d+$/m);
  expect(stdout).toMatch(/^Dense +int8 +320 {2}0\.\d+ of \d\.\d+$/m);
  expect(stdout).toMatch(
    /^accuracy: [\d.]+ %, now [\d.]+ % of 10; another class for \d \(\d+\.00 %\)$/m,
  );
  const { userDefinedMetadata, weightsManifest } = JSON.parse(
    readFileSync(join(`${model}-int8`, 'model.json'), 'utf8'),
  );
  expect(userDefinedMetadata).toEqual({ mine: 1 });
  expect(statSync(join(`${model}-int8`, weightsManifest[0].paths[0])).size).toBe(20904);

  const energy = cli('energy', `${model}-int8`, '--json', '--samples', '2', '--backend', 'cpu');
  expect(energy.status).toBe(0);
  expect(JSON.parse(energy.stdout).totals.macs).toBeGreaterThan(0);
  const convert = cli('convert', `${model}-int8`, join(directory, 'net.onnx'));
  expect({ status: convert.status, stderr: convert.stderr }).toEqual({ status: 0, stderr: '' });
});

test('--json has every weight and the comparison; half floats, --out, --samples, --force', () => {
  const out = join(directory, 'half');
  const args = ['quantize', join(model, 'model.json'), '--to', 'float16', '--out', out, '--json'];
  const data = ['--data', 'mnist', '--partial', '--samples', '4', '--backend', 'cpu'];
  const { status, stdout } = cli(...args, ...data);
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ to: 'float16', accuracy: { samples: 4 } });
  expect(report.bytes).toEqual({ before: 78888, after: 78888 - 2 * (19008 + 320) });
  expect(report.weights).toHaveLength(12);
  const kernel = report.weights.find(({ name }: { name: string }) => name === 'head/kernel');
  expect(kernel).toMatchObject({ layer: 'Dense', format: 'float16', bytes: 640 });
  expect(kernel.error).toBeGreaterThan(0);
  expect(kernel.error).toBeLessThanOrEqual(kernel.largest * 2 ** -11);

  const again = cli(...args);
  expect(again).toMatchObject({ status: 2, stderr: `error: ${out} exists: --force replaces it\n` });
  const forced = cli(...args, '--force');
  expect(forced.status).toBe(0);
  expect(JSON.parse(forced.stdout).accuracy).toBeUndefined();
});

test.each([
  [['--to', 'int4'], "--to must be one of int8, float16, but got 'int4'"],
  [[], '--to <format>'],
  [['--to', 'int8', '--out', model], '--out must differ from the model'],
  [['--to', 'int8', '--out', 'x', '--samples', '3'], 'belongs to no run'],
])('%j is a usage error, and writes nothing', (args, message) => {
  const { status, stdout, stderr } = cli('quantize', model, ...args);
  expect(stderr).toContain(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(existsSync('x')).toBe(false);
});
