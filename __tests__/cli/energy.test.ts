/** `spikingformer energy`: table, JSON and picture, of data, of rates, of noise; and what it refuses. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { fileHandler } from '../../node/runs/file_handler';
import { nMnistFile } from '../datasets/event_files';
import '../support/backends';
import { seedWeights } from '../support/layer_test';
import { runFile, temporaryDirectory } from '../support/process';

const directory = temporaryDirectory();
const model = join(directory, 'model');
const cli = (...args: string[]) =>
  runFile('cli/index.ts', ['energy', ...args], { SPIKINGFORMER_DATA: directory });

beforeAll(async () => {
  await tf.setBackend('cpu');
  const { layers } = spiking;
  const network = tf.sequential({
    layers: [
      layers.cmlDownsample({ name: 'down', filters: 8, timeSteps: 2, inputShape: [8, 8, 1] }),
      layers.spikingformerBlock({ name: 'block', numHeads: 2, vThreshold: 0.5 }),
      layers.rateReadout({ name: 'readout' }),
      tf.layers.dense({ name: 'head', units: 3 }),
    ],
  });
  for (const layer of network.layers) if (layer.weights.length > 0) seedWeights(layer);
  await network.save(fileHandler(model));
  network.dispose();
});

/** Three images of 8 x 8 bytes. */
function idx(side = 8): string {
  const path = join(directory, `images${side}-idx3-ubyte`);
  const header = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, side, 0, 0, 0, side];
  const pixels = Array.from({ length: 3 * side * side }, (_, i) => (i * 37) % 256);
  writeFileSync(path, Uint8Array.from([...header, ...pixels]));
  return path;
}

test('of data: a table with its assumptions, and a picture', () => {
  const svg = join(directory, 'energy.svg');
  const { status, stdout, stderr } = cli(model, '--data', idx(), '--samples', '2', '--svg', svg);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/\(saved weights\)\ninput: 2 of images8-idx3-ubyte: IDX, x \/ 255/);
  expect(stdout).toMatch(/block\/attn\/q_lif +\d+\.\d\d %/);
  expect(stdout).toMatch(/block\/attn\/product +spikes/);
  expect(stdout).toMatch(/ratio \d/);
  expect(stdout).toMatch(/4\.6 pJ per MAC, 0\.9 pJ per AC/);
  expect(readFileSync(svg, 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
});

test('of rates, as JSON', () => {
  const path = join(directory, 'rates.json');
  const maps = ['q', 'k', 'v', 'q_lif', 'k_lif', 'v_lif', 'proj'].map((name) => `attn/${name}`);
  const layers = [...maps, 'mlp/fc1', 'mlp/fc2'].map((name) => [`block/${name}`, 0.5]);
  writeFileSync(path, JSON.stringify(Object.fromEntries(layers)));
  const { status, stdout } = cli(model, '--rates', path, '--json', '--memory', 'sram-32k');
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ input: `rates of ${path}`, uncounted: [] });
  expect(report.assumptions).toMatchObject({ macPJ: 4.6, acPJ: 0.9, memory: 'sram-32k' });
  // The first convolution of an image of 64 pixels at two steps, and the head.
  expect(report.totals.macs).toBe(2 * 64 * 8 * 9 + 8 * 3 + 3);
  expect(report.totals.memoryMJ).toBeGreaterThan(0);
});

test('of noise, and says so', () => {
  const { status, stdout } = cli(model, '--samples', '2', '--json');
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report.input).toMatch(/^2 samples of normal noise \(seed 0\): use --data for real ones$/);
  expect(Object.keys(report.neurons)).toContain('block/mlp/lif2');
  expect(report.neurons['down/lif'].perStep).toHaveLength(2);
});

test.each([
  ['a model that records its data', { classNames: ['a', 'b'], data: { name: 'own-events' } }],
  ['one that records nothing', undefined],
] as const)('of a recording of your own, as predict reads it: %s', async (name, recorded) => {
  const path = join(directory, 'own.bin');
  // Three frames of four events.
  const events = Array.from({ length: 12 }, (_, t) => ({ t, x: t % 8, y: 7, p: t % 2 }));
  writeFileSync(path, nMnistFile(events));
  const network = spiking.models.spikingformer({
    ...{ inputShape: [3, 8, 8, 2], numClasses: 2, embedDim: 16, depth: 1, numHeads: 2 },
  });
  if (recorded) network.setUserDefinedMetadata({ spikingformer: recorded });
  const saved = join(directory, name);
  await network.save(fileHandler(saved));
  network.dispose();
  const { status, stdout, stderr } = cli(saved, '--data', path, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout).input).toBe('1 of own.bin, as own-events');
});

test.each([
  [['--samples', '0'], "--samples must be a whole number, 1 or more, but got '0'"],
  [
    ['--memory', 'disk'],
    "--memory must be one of sram-8k, sram-32k, sram-1m, dram, but got 'disk'",
  ],
  [['--assumptions', 'x'], "--assumptions must be one of spikingformer, int8, but got 'x'"],
  [['--data', 'a.bin', '--rates', 'b.json'], '--rates and --data must not be given together'],
  [['--data', 'pictures.zip'], 'data must be a CIFAR .bin'],
])('%j is a usage error', (args, message) => {
  const { status, stdout, stderr } = cli(model, ...args);
  expect(stderr).toContain(`error: ${message}`);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});

test('data of another shape, rates of another model, files that are not there', () => {
  const path = join(directory, 'wrong.json');
  writeFileSync(path, '{"conv1": 0.5}');
  const other = cli(model, '--data', idx(6));
  expect(other.status).toBe(2);
  expect(other.stderr).toContain('data must hold samples of shape [8,8,1]');
  const rates = cli(model, '--rates', path);
  expect(rates.status).toBe(1);
  expect(rates.stderr).toContain('names a layer that the model does not have: conv1');
  const unprepared = cli(model, '--data', 'mnist');
  expect(unprepared.status).toBe(1);
  expect(unprepared.stderr).toMatch(/^error: mnist must have .*datasets prepare mnist/);
  const missing = cli(model, '--data', join(directory, 'none.bin'));
  expect(missing.status).toBe(1);
  expect(missing.stderr).toMatch(/^error: .*none\.bin cannot be read: ENOENT/);
});
