/**
 * What skipping the zeros of spikes is worth at inference: the same network with SpikeConv2D and with
 * its composed form, stock convolutions and products, after some forward passes in training have set the
 * running statistics, so that it fires as a network in training does:
 * `npm run bench -- inference [--model spikingformer-4-256-cifar10] [--backend wasm] [--batch 16] [--rounds 5] [--steps 30]`.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as spiking from 'tfjs-spikingformer';
import { useBackend } from '../cli/shared/choose_backend';
import { composedKernels } from '../lib/kernels';
import { SpikeConv2D } from '../lib/kernels/spike_conv2d';
import { settle } from './_settle';
import { appendCsv } from './csv';
import { measure, printTimings, timingRows } from './measure';

/** Puts the composed form in the kernel's place while it runs. */
function composed(backendName: string, run: () => void): void {
  const own = tf.getKernel(SpikeConv2D, backendName);
  const { kernelFunc } = composedKernels.find(({ kernelName }) => kernelName === SpikeConv2D)!;
  const put = (kernel: tf.KernelConfig) => {
    tf.unregisterKernel(SpikeConv2D, backendName);
    tf.registerKernel(kernel);
  };
  put({ ...own, kernelFunc });
  try {
    run();
  } finally {
    put(own);
  }
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string', default: 'spikingformer-4-256-cifar10' },
      backend: { type: 'string', default: 'wasm' },
      batch: { type: 'string', default: '16' },
      rounds: { type: 'string', default: '5' },
      steps: { type: 'string', default: '30' },
    },
  });
  await tf.setBackend('wasm');
  const model = spiking.models.create(values.model);
  const shape = model.inputs[0]!.shape.slice(1) as number[];
  const batchOf = (size: number) => tf.randomUniform([size, ...shape]);
  settle(model, () => batchOf(4), Number(values.steps));
  await useBackend(values.backend);
  const x = batchOf(Number(values.batch));
  const rates = tf.tidy(() =>
    [...spiking.observe(model, x).values()].map((spikes) => spikes.mean().dataSync()[0]!),
  );
  const mean = rates.reduce((a, b) => a + b, 0) / rates.length;
  const percent = (rate: number) => `${(100 * rate).toFixed(1)} %`;
  const range = `${percent(Math.min(...rates))} to ${percent(Math.max(...rates))}`;

  const evaluate = () => tf.tidy(() => void (model.apply(x) as tf.Tensor).dataSync());
  const title = `${values.model}, ${values.backend}, batch ${values.batch}, firing ${percent(mean)}`;
  const timings = await measure(
    {
      'composed form, dense': () => composed(values.backend, evaluate),
      'zeros skipped': evaluate,
    },
    { rounds: Number(values.rounds), warmup: 1 },
  );
  printTimings(`${title} (${range} a layer)`, timings);
  appendCsv('results/inference.csv', timingRows(title, timings));
}
