/**
 * From which share of non-zeros on TensorFlow's dense products are faster than our native ops, which skip
 * zeros: `npm run bench -- spike_products [--rounds 15]`. The shapes are those of Spikingformer-4-256 at
 * batch 16, T 4; ratio: to dense. lib/kernels/tensorflow/spikes.ts chooses by it.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '../node/native/ops';
import { installKernels } from '../lib/kernels';
import { runStockKernel } from '../lib/kernels/override';
import { tensorflowBackend } from '../lib/kernels/tensorflow/backend';
import { nativeOpsInUse } from '../lib/kernels/tensorflow/native_ops';
import { skippingConv, skippingFilterGradient } from '../lib/kernels/tensorflow/spikes';
import { ranInCopy } from './_tensorflow';
import { type Row, replaceCsv } from './csv';
import { measure, printTimings, timingRows } from './measure';

const products: { shape: number[]; filterShape: number[] }[] = [
  { shape: [64, 32, 32, 32], filterShape: [3, 3, 32, 64] },
  { shape: [64, 32, 32, 64], filterShape: [3, 3, 64, 128] },
  { shape: [64, 16, 16, 128], filterShape: [3, 3, 128, 256] },
  { shape: [64, 8, 8, 256], filterShape: [3, 3, 256, 256] },
  { shape: [4096, 256], filterShape: [256, 256] },
  { shape: [4096, 256], filterShape: [256, 1024] },
  { shape: [4096, 1024], filterShape: [1024, 256] },
];
const shares = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];

/** TensorFlow's own kernels. */
function dense(x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor) {
  const backend = tf.backend();
  const stock = (name: string, inputs: tf.NamedTensorMap, attrs: object) => () =>
    (runStockKernel(name, 'tensorflow', inputs, backend, attrs) as tf.Tensor).dispose();
  if (filter.rank === 2) {
    const attrs = { transposeA: false, transposeB: false };
    return {
      forward: stock(tf.BatchMatMul, { a: x, b: filter }, attrs),
      gradient: stock(tf.BatchMatMul, { a: x, b: dy }, { ...attrs, transposeA: true }),
    };
  }
  const attrs = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };
  const filterShape = filter.shape;
  return {
    forward: stock(tf.Conv2D, { x, filter }, attrs),
    gradient: stock(tf.Conv2DBackpropFilter, { x, dy }, { ...attrs, filterShape }),
  };
}

export async function run(args: string[]): Promise<void> {
  if (await ranInCopy('spike_products', args)) return;
  const { values } = parseArgs({ args, options: { rounds: { type: 'string', default: '15' } } });
  createRequire(import.meta.url)('@tensorflow/tfjs-node');
  await tf.setBackend('tensorflow');
  installKernels();
  const ops = nativeOpsInUse();
  if (typeof ops === 'string') throw new Error(`the native ops are what this measures: ${ops}`);
  const backend = tensorflowBackend()!;

  const rows: Row[] = [];
  for (const { shape, filterShape } of products) {
    const filter = tf.randomNormal(filterShape, 0, 1, 'float32', 1);
    const dy = tf.randomNormal([...shape.slice(0, -1), filterShape.at(-1)!], 0, 1, 'float32', 2);
    const spikes = shares.map((share) =>
      tf.tidy(() => tf.randomUniform(shape, 0, 1, 'float32', 3).less(share).cast('float32')),
    );
    const { forward, gradient } = dense(spikes[0]!, filter, dy);
    // As in training: spikes are kept as bits, from which the gradient is computed.
    const product = (x: tf.Tensor) => skippingConv(backend, x, filter, { keep: true, most: 2 });
    const kept = spikes.map((x) => tf.tidy(() => product(x).words!));
    const skipping = (inputs: tf.Tensor[], skip: (x: tf.Tensor) => unknown) =>
      Object.fromEntries(
        inputs.map((x, i) => [`${100 * shares[i]!} %`, () => tf.tidy(() => void skip(x))]),
      );
    for (const [what, candidates] of [
      ['', { dense: forward, ...skipping(spikes, product) }],
      [
        ', gradient of the filter',
        {
          dense: gradient,
          ...skipping(kept, (words) => skippingFilterGradient(backend, words, dy, filterShape, 2)),
        },
      ],
    ] as const) {
      const title = `[${shape}] by [${filterShape}]${what}`;
      const timings = await measure(candidates, { rounds: Number(values.rounds) });
      printTimings(title, timings);
      rows.push(...timingRows(title, timings));
    }
    tf.dispose([filter, dy, spikes, kept]);
  }
  replaceCsv('results/spike_products.csv', ['what', 'name'], rows);
}
