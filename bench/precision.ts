/**
 * Gradients of products of spikes in bfloat16 beside float32, on tensorflow: `npm run bench -- precision [--rounds
 * 15]`. The products of Spikingformer-4-256 at batch 16, T 4; a training step of it; and the losses of ten steps of a
 * small network, beside the relative spread of PyTorch's own runs. Epochs: CONTRIBUTING.md, `precision_epochs`.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '../node/native/ops';
import * as spiking from 'tfjs-spikingformer';
import { type Precision, variableGradsIn } from '../lib/gradient_precision';
import { installKernels } from '../lib/kernels';
import { runKernel } from '../lib/kernels/kernel';
import {
  SpikeProduct,
  SpikeProductFilterGrad,
  SpikeProductInputGrad,
} from '../lib/kernels/spike_product';
import { adamW } from '../training/adamw';
import { smoothTargets, softTargetCrossEntropy } from '../training/losses';
import { checkPrecision } from '../training/precision';
import { seededWeights } from '../training/seeded_weights';
import { settle } from './_settle';
import { lossesOfTenSteps, spreadOfPyTorch } from './_ten_steps';
import { ranInCopy } from './_tensorflow';
import { type Row, replaceCsv } from './csv';
import { measure, printTimings, timingRows } from './measure';

const PRESET = 'spikingformer-4-256-cifar10';
const BATCH = 16;
const PRECISIONS = ['float32', 'bfloat16'] as const;

/** The share of spikes among the inputs. */
const FIRING = 0.15;
/** Gradients of outputs, and filters. */
const products: [dyShape: number[], filterShape: number[]][] = [
  [
    [64, 32, 32, 64],
    [3, 3, 32, 64],
  ],
  [
    [64, 32, 32, 128],
    [3, 3, 64, 128],
  ],
  [
    [64, 16, 16, 256],
    [3, 3, 128, 256],
  ],
  [
    [64, 8, 8, 256],
    [3, 3, 256, 256],
  ],
  [
    [4096, 256],
    [256, 256],
  ],
  [
    [4096, 1024],
    [256, 1024],
  ],
  [
    [4096, 256],
    [1024, 256],
  ],
];

/** The gradients of a product of spikes, without the product itself. */
function productGradients(dyShape: number[], filterShape: number[]) {
  const shape = [...dyShape.slice(0, -1), filterShape.at(-2)!];
  const dy = tf.randomNormal(dyShape, 0, 1, 'float32', 2);
  const input = tf.tidy(() =>
    tf.variable(tf.randomUniform(shape, 0, 1, 'float32', 3).less(FIRING).cast('float32')),
  );
  const filter = tf.tidy(() => tf.variable(tf.randomNormal(filterShape, 0, 1, 'float32', 1)));
  const [y, kept] = runKernel<tf.Tensor[]>(SpikeProduct, { x: input, filter }, { keep: true });
  y!.dispose();
  const gradients = {
    input: () => runKernel<tf.Tensor>(SpikeProductInputGrad, { dy, filter }, {}),
    filter: () =>
      runKernel<tf.Tensor>(SpikeProductFilterGrad, { dy, kept: kept! }, { filterShape }),
  };
  const run = (of: keyof typeof gradients) => {
    const variable = { input, filter }[of];
    const stand = tf.customGrad((_, save) => {
      (save as tf.GradSaveFunc)([]);
      return { value: tf.scalar(0), gradFunc: gradients[of] };
    });
    return (precision: Precision) => () =>
      tf.tidy(
        () => void variableGradsIn(precision, () => stand(variable) as tf.Scalar, [variable]),
      );
  };
  return { run, dispose: () => tf.dispose([filter, dy, input, kept!]) };
}

/** The network from seeded weights, and a step of its training. */
function network(precision: Precision) {
  const model = seededWeights(0, () => spiking.models.create(PRESET));
  const images = (seed: number) =>
    tf.randomUniform(
      [BATCH, ...(model.inputs[0]!.shape.slice(1) as number[])],
      -2,
      2,
      'float32',
      seed,
    );
  settle(model, images, 10);
  const optimizer = adamW({ learningRate: 5e-4, weightDecay: 0.06 });
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const x = images(10);
  const labels = Array.from({ length: BATCH }, (_, i) => i % 10);
  const targets = tf.tensor2d(smoothTargets(labels, 10), [BATCH, 10]);
  const loss = () =>
    softTargetCrossEntropy(targets, model.apply(x, { training: true }) as tf.Tensor2D).asScalar();
  const step = () =>
    tf.tidy(() => {
      const { value, grads } = variableGradsIn(precision, loss, variables);
      optimizer.applyGradients(grads);
      value.dataSync();
    });
  const dispose = () => {
    optimizer.dispose();
    model.dispose();
    tf.dispose([x, targets]);
  };
  return { step, dispose };
}

export async function run(args: string[]): Promise<void> {
  if (await ranInCopy('precision', args)) return;
  const { values } = parseArgs({ args, options: { rounds: { type: 'string', default: '15' } } });
  createRequire(import.meta.url)('@tensorflow/tfjs-node');
  await tf.setBackend('tensorflow');
  installKernels();
  checkPrecision('bfloat16');
  const rows: Row[] = [];
  const compare = async (title: string, run: (precision: Precision) => () => void) => {
    const candidates = Object.fromEntries(PRECISIONS.map((name) => [name, run(name)]));
    const timings = await measure(candidates, { rounds: Number(values.rounds) });
    printTimings(title, timings);
    rows.push(...timingRows(title, timings));
  };
  for (const [dyShape, filterShape] of products) {
    const { run: gradient, dispose } = productGradients(dyShape, filterShape);
    for (const of of ['input', 'filter'] as const) {
      await compare(`${of}'s gradient, [${dyShape}] by [${filterShape}]`, gradient(of));
    }
    dispose();
  }
  const trained = { float32: network('float32'), bfloat16: network('bfloat16') };
  await compare(`${PRESET}, batch ${BATCH}, training step`, (precision) => trained[precision].step);
  for (const { dispose } of Object.values(trained)) dispose();
  replaceCsv('results/precision.csv', ['what', 'name'], rows);

  const { date, command } = rows[0]!;
  const spread = spreadOfPyTorch();
  const bfloat16 = lossesOfTenSteps('bfloat16');
  const losses = lossesOfTenSteps('float32').map((float32, i) => ({
    date: date!,
    step: i + 1,
    float32: float32.toFixed(6),
    bfloat16: bfloat16[i]!.toFixed(6),
    difference: (Math.abs(bfloat16[i]! - float32) / float32).toExponential(1),
    pytorch_spread: spread[i]!.toExponential(1),
    command: command!,
  }));
  console.table(losses, ['step', 'float32', 'bfloat16', 'difference', 'pytorch_spread']);
  replaceCsv('results/precision_losses.csv', ['step'], losses);
}
