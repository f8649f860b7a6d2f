/**
 * What a training step costs beside its forward pass, and which kernels take the time:
 * `npm run bench -- training_step [--model spikingformer-4-256-cifar10] [--backend wasm] [--batch 16] [--rounds 5]`.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as spiking from 'tfjs-spikingformer';
import { useBackend } from '../cli/shared/choose_backend';
import { training } from './_task';
import { appendCsv } from './csv';
import { measure, printTimings, timingRows } from './measure';

/** Kernel times of one call, largest first, in milliseconds. */
async function profile(run: () => void): Promise<[kernel: string, ms: number, calls: number][]> {
  const { kernels } = await tf.profile(run);
  const totals = new Map<string, [ms: number, calls: number]>();
  for (const { name, kernelTimeMs } of kernels) {
    const [ms, calls] = totals.get(name) ?? [0, 0];
    totals.set(name, [ms + Number(await kernelTimeMs), calls + 1]);
  }
  return [...totals]
    .map(([name, [ms, calls]]): [string, number, number] => [name, ms, calls])
    .sort((a, b) => b[1] - a[1]);
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string', default: 'spikingformer-4-256-cifar10' },
      backend: { type: 'string', default: 'wasm' },
      batch: { type: 'string', default: '16' },
      rounds: { type: 'string', default: '5' },
    },
  });
  await useBackend(values.backend);
  const model = spiking.models.create(values.model);
  const batch = Number(values.batch);
  const { numClasses } = spiking.models.presetConfig(values.model);
  const x = tf.randomUniform([batch, ...(model.inputs[0]!.shape.slice(1) as number[])]);
  const y = tf.oneHot(
    Array.from({ length: batch }, (_, i) => i % numClasses),
    numClasses,
  );
  const logits = (trains: boolean) => model.apply(x, { training: trains }) as tf.Tensor;

  const candidates = {
    'forward, training': () => tf.tidy(() => void logits(true).dataSync()),
    'forward, evaluation': () => tf.tidy(() => void logits(false).dataSync()),
    'training step': training(model, x, y).step,
  };
  const title = `${values.model}, ${values.backend}, batch ${batch}`;
  const timings = await measure(candidates, { rounds: Number(values.rounds), warmup: 1 });
  printTimings(title, timings);
  appendCsv('results/training_step.csv', timingRows(title, timings));

  for (const [name, call] of Object.entries(candidates)) {
    console.log(`\n${name}, by kernel (ms, calls)`);
    for (const [kernel, ms, calls] of (await profile(call)).slice(0, 14)) {
      console.log(
        `  ${kernel.padEnd(24)} ${ms.toFixed(1).padStart(9)} ${String(calls).padStart(6)}`,
      );
    }
  }
}
