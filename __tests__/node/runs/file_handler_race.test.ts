/** Processes that save to one path at the same time: who reads there finds a whole model, always. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { fileHandler } from '../../../node/runs/file_handler';
import '../../support/backends';
import { startScript, temporaryDirectory } from '../../support/process';

const directory = temporaryDirectory();

// Each saves its own two models in turn, so that a model that was removed comes back.
const script = `
  import * as tf from '@tensorflow/tfjs';
  import { fileHandler } from './node/runs/file_handler.ts';
  const [path, first, kill] = process.argv.slice(1);
  await tf.setBackend('cpu');
  const models = [0, 1].map((i) => tf.sequential({
    layers: [tf.layers.dense({
      units: 40, inputShape: [50], name: 'd', useBias: false,
      kernelInitializer: tf.initializers.constant({ value: Number(first) + i }),
    })],
  }));
  console.log('ready');
  for (let i = 0; i < 60; i++) {
    if (i === Number(kill)) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 3);
    await models[i % 2].save(fileHandler(path));
  }`;

test('two writers, one killed, and a reader', async () => {
  await tf.setBackend('cpu');
  const path = join(directory, 'model');
  const write = async (first: number, kill: number, onReady = () => {}) => {
    const child = startScript(script, [path, String(first), String(kill)]);
    child.stdout.once('data', onReady);
    const [status, signal] = await once(child, 'close');
    return status ?? signal;
  };
  let begun!: () => void;
  const ready = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let running = true;
  const writers = Promise.all([write(1, -1, begun), write(3, -1), write(5, 20)]).finally(() => {
    running = false;
  });
  await ready;
  let read = 0;
  while (running) {
    const handler = fileHandler(path);
    const artifacts = await handler.load!().catch((error) => {
      if (read === 0 && error.message.includes('no model at')) return null; // none is saved yet
      throw error;
    });
    if (artifacts === null) continue;
    const values = new Set(new Float32Array(artifacts.weightData as ArrayBuffer));
    expect(values.size).toBe(1);
    expect(artifacts.weightData).toHaveProperty('byteLength', 8000);
    read++;
  }
  expect(await writers).toEqual([0, 0, 'SIGKILL']);
  expect(read).toBeGreaterThan(20);
  const left = readdirSync(path).filter((name) => !/tmp$/.test(name));
  expect(left).toContain('model.json');
  expect(left.length).toBeLessThanOrEqual(3); // what the killed one may have written
});
