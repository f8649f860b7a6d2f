/**
 * Proves this library's kernels on a GPU before they are used: each against the composed form, then that none runs
 * before its input is there, or is read before it has run.
 */
import * as tf from '@tensorflow/tfjs';
import {
  SpikingAttention,
  SpikingAttentionGrad,
  spikingAttention,
} from '../../lib/kernels/attention';
import {
  BatchNormTraining,
  BatchNormTrainingGrad,
  batchNormTraining,
  batchNormTrainingGrad,
} from '../../lib/kernels/batch_norm';
import { BatchNormLIF, BatchNormLIFGrad } from '../../lib/kernels/batch_norm_lif';
import {
  FirstMaxPool,
  FirstMaxPoolGrad,
  firstMaxPool,
  firstMaxPoolGrad,
} from '../../lib/kernels/max_pool';
import {
  MultiStepLIF,
  MultiStepLIFGrad,
  multiStepLIF,
  multiStepLIFGrad,
} from '../../lib/kernels/multi_step_lif';
import { gpuKernels } from '../../lib/kernels/tensorflow/gpu';
import {
  AdamWStep,
  adamWInputs,
  adamWStep,
  Blend,
  blend,
  blendInputs,
  RunningStatistics,
  runningStatistics,
} from '../../lib/kernels/updates';
import { resolveLIF } from '../../lib/neuron_params';
import { engine, type TensorflowBackend } from '../../lib/tfjs_internals';

type Named = Record<string, tf.Tensor>;
type Run = (name: string, inputs: Named, attrs: object) => tf.Tensor[];
/** What a kernel has made, and what it has to be. */
type Pairs = [got: tf.Tensor, expected: tf.Tensor][];

const paired = (got: tf.Tensor[], expected: tf.Tensor[]): Pairs =>
  expected.map((x, i) => [got[i]!, x]);

/** Numbers of that shape without a pattern, the same at every call. */
function numbers(shape: number[], seed: number): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => 2 * Math.sin(seed + 1.7 * i * i)),
    shape,
    'float32',
  );
}

/** Whole numbers: products of them are exact, also where TensorFlow multiplies in fewer digits. */
const whole = (shape: number[], seed: number) => numbers(shape, seed).round();

const neuron = resolveLIF({ detachReset: false });
const norm = { epsilon: 1e-3 };

const proofs: Record<string, (run: Run) => Pairs> = {
  'spiking neurons': (run) => {
    const [x, dSpikes] = [numbers([2, 4, 300], 1), numbers([2, 4, 300], 2)];
    const [v0, dV] = [numbers([2, 300], 3), numbers([2, 300], 4)];
    const w = tf.scalar(0.3);
    const forward = run(MultiStepLIF, { x, v0, w }, neuron);
    const back = run(MultiStepLIFGrad, { x, dSpikes, dV, v0, w }, neuron);
    return [
      ...paired(forward, multiStepLIF(x, neuron, v0, w)),
      ...paired(back, multiStepLIFGrad(x, dSpikes, dV, neuron, v0, w)),
    ];
  },
  'batch norm': (run) => {
    const [x, dy] = [numbers([3, 5, 7, 33], 1), numbers([3, 5, 7, 33], 2)];
    const [gamma, beta] = [numbers([33], 3), numbers([33], 4)];
    const expected = batchNormTraining(x, gamma, beta, norm);
    const [, mean, variance] = expected;
    const back = run(BatchNormTrainingGrad, { dy, x, gamma, mean, variance }, norm);
    return [
      ...paired(run(BatchNormTraining, { x, gamma, beta }, norm), expected),
      ...paired(back, batchNormTrainingGrad(dy, x, gamma, mean, variance, norm)),
    ];
  },
  'batch norm with neurons': (run) => {
    const [x, dy] = [numbers([3, 4, 7, 33], 1), numbers([3, 4, 7, 33], 2)];
    const [gamma, beta] = [numbers([33], 3), numbers([33], 4)];
    const [y, mean, variance] = run(BatchNormTraining, { x, gamma, beta }, norm);
    const both = { ...norm, ...neuron };
    const saved = { x, gamma, mean: mean!, variance: variance! };
    const dV = tf.zeros([3, 7, 33]);
    const [through] = multiStepLIFGrad(y!, dy, dV, neuron);
    return [
      ...paired(run(BatchNormLIF, { x, gamma, beta }, both), [
        ...[multiStepLIF(y!, neuron)[0]!, mean!, variance!],
      ]),
      ...paired(
        run(BatchNormLIFGrad, { dy, ...saved, beta }, both),
        batchNormTrainingGrad(through!, x, gamma, mean!, variance!, norm),
      ),
    ];
  },
  'max pooling': (run) => {
    const attrs = { poolSize: 3, strides: 2, padding: 1 };
    const x = whole([2, 9, 8, 5], 1) as tf.Tensor4D;
    const y = firstMaxPool(x, attrs);
    const dy = numbers(y.shape, 2) as tf.Tensor4D;
    return [
      ...paired(run(FirstMaxPool, { x }, attrs), [y]),
      ...paired(run(FirstMaxPoolGrad, { dy, x }, attrs), [firstMaxPoolGrad(dy, x, attrs)]),
    ];
  },
  attention: (run) => {
    const attrs = { numHeads: 3, scale: 0.125 };
    const [q, k, v, dy] = [1, 2, 3, 4].map((seed) => whole([2, 4, 17, 24], seed)) as [
      ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    ];
    const form = (...of: tf.Tensor[]) => spikingAttention(of[0]!, of[1]!, of[2]!, attrs);
    return [
      ...paired(run(SpikingAttention, { q, k, v }, attrs), [form(q, k, v)]),
      ...paired(run(SpikingAttentionGrad, { dy, q, k, v }, attrs), tf.grads(form)([q, k, v], dy)),
    ];
  },
  updates: (run) => {
    const [p, g, m, old] = [1, 2, 3, 4].map((seed) => numbers([300], seed)) as [
      ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    ];
    const v = old.square();
    const factors = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, kept: 0.99, rate: 0.1, root: 0.7 };
    const attrs = { factors: [factors] };
    const statistics = { mean: m, variance: v, batchMean: g, batchVariance: v, bias: p };
    const shares = { kept: 0.75, taken: 0.25, takenVariance: 0.26 };
    return [
      ...paired(
        run(AdamWStep, adamWInputs({ p: [p], g: [g], m: [m], v: [v] }), attrs),
        adamWStep(p, g, m, v, factors),
      ),
      ...paired(run(Blend, blendInputs([old], [p]), shares), [blend(old, p, shares)]),
      ...paired(run(RunningStatistics, statistics, shares), runningStatistics(statistics, shares)),
    ];
  },
};

/** Largest difference that rounding explains, beside the largest number. */
const ROUNDING = 2e-5;

/** Whether the two are close; NaN is not. */
function isClose([got, expected]: Pairs[number]): boolean {
  if (!tf.util.arraysEqual(got.shape, expected.shape)) return false;
  const [a, b] = [got.dataSync<'float32'>(), expected.dataSync<'float32'>()];
  const limit = ROUNDING * b.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  return b.every((x, i) => Math.abs(a[i]! - x) <= limit);
}

/** A long product, the neurons on it, a read; over and over, each time with other spikes. */
function race(run: Run, side: number, times: number): string | undefined {
  const attrs = { ...resolveLIF(), lastMembranes: false };
  const ones = tf.ones<tf.Rank.R2>([side, side]);
  for (let i = 0; i < times; i++) {
    const spike = i % 2;
    const factor = tf.fill([side, side], (2 * spike) / side) as tf.Tensor2D;
    const x = tf.matMul(factor, ones).reshape([4, 4, -1]);
    const [spikes] = run(MultiStepLIF, { x }, attrs);
    const [least, most] = [spikes!.min().dataSync()[0], spikes!.max().dataSync()[0]];
    tf.dispose([factor, x, spikes!]);
    if (least !== spike || most !== spike) {
      return `kernels race: run ${i + 1} of ${times} read spikes from ${least} to ${most}, not ${spike}`;
    }
  }
  return undefined;
}

/** Runs it apart from a gradient that is being taken, which would keep every product until its end. */
function untaped(run: () => string | undefined): string | undefined {
  let result: string | undefined;
  const none = engine().runKernelFunc({
    inputs: {},
    forwardFunc: () => {
      result = tf.tidy(run);
      return [tf.scalar(0)];
    },
    backwardsFunc: () => ({}),
  });
  tf.dispose(none);
  return result;
}

/** How long the product is, and how often it is raced. A side that is a power of two makes it exact. */
export interface RaceOptions {
  side?: number;
  times?: number;
}

/** Undefined if every kernel works on the backend's GPU; else what does not. */
export function proveOnGpu(
  backend: TensorflowBackend,
  { side = 2048, times = 50 }: RaceOptions = {},
): string | undefined {
  const run: Run = (name, inputs, attrs) => {
    const { kernelFunc } = gpuKernels.find(({ kernelName }) => kernelName === name)!;
    return [kernelFunc({ inputs, backend, attrs: attrs as tf.NamedAttrMap })].flat() as tf.Tensor[];
  };
  try {
    for (const [name, proof] of Object.entries(proofs)) {
      if (!tf.tidy(() => proof(run).every(isClose))) return `${name}: wrong numbers`;
    }
    return untaped(() => race(run, side, times));
  } catch (error) {
    return (error as Error).message;
  }
}
