/**
 * NaN, infinities, -0, denormals and huge numbers in every kernel, forward and backward, as PyTorch and
 * SpikingJelly have them (fixtures/ops/non_finite.py).
 */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { runKernel } from '../../lib/kernels';
import { FirstMaxPoolGrad } from '../../lib/kernels/max_pool';
import type { NeuronAttrs } from '../../lib/kernels/multi_step_lif';
import { runNeuron } from '../../lib/neuron';
import { resolveIF, resolveLIF, resolvePLIF } from '../../lib/neuron_params';
import { spikeConv2d } from '../../lib/spike_conv';
import { describeEachBackend, onGPU } from '../support/backends';
import {
  loadFixture,
  permute,
  timeFirstToOurs,
  toTensor,
  type Values,
  valuesOf,
} from '../support/fixtures';
import { expectSame, neuronGradients } from './non_finite_harness';

interface NeuronCase {
  name: string;
  kind: 'if' | 'lif' | 'plif';
  v_threshold: number;
  v_reset: number | null;
  detach_reset: boolean;
  decay_input: boolean;
  surrogate: string;
  tau: number;
  w: string | null;
  state: boolean;
}
interface Meta {
  cases: NeuronCase[];
  pools: { name: string; poolSize: number; strides: number; padding: number }[];
  convolutions: string[];
}
const golden = loadFixture<Meta>('ops/non_finite');

/** SpikingJelly's 'piecewise_quadratic1' as ours. */
function attrsOf(c: NeuronCase): NeuronAttrs {
  const [, letters, alpha] = /^([a-z_]+)([\d.]+)$/.exec(c.surrogate)!;
  const common = {
    vThreshold: c.v_threshold,
    vReset: c.v_reset,
    detachReset: c.detach_reset,
    surrogate: letters!.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    alpha: Number(alpha),
  };
  if (c.kind === 'if') return resolveIF(common);
  if (c.kind === 'plif') return resolvePLIF({ ...common, decayInput: c.decay_input });
  return resolveLIF({ ...common, tau: c.tau, decayInput: c.decay_input });
}

/** `(N,C,H,W)` as `[N,H,W,C]`. */
const channelsLast = (values: Values) => permute(values, [0, 2, 3, 1]);

describeEachBackend('what is not finite, as in PyTorch', (backend) => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  const read = (name: string) => timeFirstToOurs(golden.values(name));

  // A GPU's own sigmoid makes what it likes of such a w.
  const cases = golden.meta.cases.filter(
    ({ w }) => !onGPU(backend) || w === null || Number.isFinite(Number(w)),
  );
  const rounding: [number, number] = onGPU(backend) ? [1e-3, 1e-5] : [1e-4, 1e-6];

  test.each(cases.map((c) => [c.name, c] as const))('neurons: %s', (name, c) => {
    const attrs = attrsOf(c);
    const x = toTensor(read('neurons.x'));
    const v0 = c.state ? toTensor(golden.values('neurons.v0')) : undefined;
    const w = c.w === null ? undefined : tf.scalar(Number(c.w.replace('inf', 'Infinity')));
    const { spikes, v } = runNeuron(x, attrs, v0, w);
    expectSame(spikes, read(`${name}.spikes`), 'spikes');
    expectSame(v, golden.values(`${name}.v`), 'v');
    const [dSpikes, dV] = [toTensor(read('neurons.g')), toTensor(golden.values('neurons.gv'))];
    const gradients = neuronGradients({ x, v0, w }, dSpikes, dV, attrs);
    expectSame(gradients.shift()!, read(`${name}.dx`), 'dx', rounding);
    if (v0) expectSame(gradients.shift()!, golden.values(`${name}.dv0`), 'dv0', rounding);
    if (w) expectSame(gradients.shift()!, golden.values(`${name}.dw`), 'dw', rounding);
  });

  test.each(golden.meta.pools)(
    'max pool $name: $poolSize, $strides, $padding',
    ({ name, ...attrs }) => {
      const tensor = (key: string) => toTensor(channelsLast(golden.values(`${name}.${key}`)));
      const x = tensor('x') as tf.Tensor4D;
      expectSame(spiking.maxPool2d(x, attrs), channelsLast(golden.values(`${name}.y`)), 'y');
      const dx = runKernel<tf.Tensor>(FirstMaxPoolGrad, { dy: tensor('dy'), x }, attrs);
      expectSame(dx, channelsLast(golden.values(`${name}.dx`)), 'dx');
    },
  );

  test('batch norm', () => {
    const tensor = (key: string) => toTensor(golden.values(`norm.${key}`));
    const [x, gamma, beta, dy] = ['x', 'gamma', 'beta', 'dy'].map(tensor) as tf.Tensor[];
    const norm = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
      spiking.batchNormTraining(x, gamma, beta);
    const { y, mean, variance } = norm(x!, gamma!, beta!);
    for (const [key, value] of Object.entries({ y, mean, variance })) {
      expectSame(value, golden.values(`norm.${key}`), key, [1e-4, 1e-5]);
    }
    const gradients = tf.grads((x, gamma, beta) => norm(x!, gamma!, beta!).y)(
      [x!, gamma!, beta!],
      dy,
    );
    for (const [i, key] of ['dx', 'dgamma', 'dbeta'].entries()) {
      expectSame(gradients[i]!, golden.values(`norm.${key}`), key, [1e-3, 1e-4]);
    }
  });

  test.each(golden.meta.convolutions)('zeros hide nothing: %s', (name) => {
    const x = toTensor(channelsLast(golden.values(`${name}.x`))) as tf.Tensor4D;
    const filter = toTensor(golden.weight(`${name}.w`)) as tf.Tensor4D;
    const dy = toTensor(channelsLast(golden.values(`${name}.dy`)));
    // Whether 0 in the padding hides NaN, too, is left open: within, all agree.
    const within = (x: tf.Tensor) => x.slice([0, 1, 1, 0], [2, 4, 4, x.shape[3]!]);
    const expected = (key: string) =>
      valuesOf(within(toTensor(channelsLast(golden.values(`${name}.${key}`)))));
    const filters = filter.shape[3];
    const affine = { scale: tf.ones([filters]), shift: tf.zeros([filters]) };
    expectSame(within(spikeConv2d(x, filter, affine)), expected('y'), 'frozen', [1e-4, 1e-5]);
    expectSame(within(tf.conv2d(x, filter, 1, 'same')), expected('y'), 'y', [1e-4, 1e-5]);
    const [dx, dw] = tf.grads((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'))(
      [x, filter],
      dy,
    );
    expectSame(dw!, golden.weight(`${name}.dw`), 'dw', [1e-4, 1e-5]);
    expectSame(within(dx!), expected('dx'), 'dx', [1e-4, 1e-4]);
  });

  test('zeros hide nothing where there are many of them to skip', () => {
    const x = tf.randomUniform([4, 12, 12, 32], 0, 1, 'float32', 1).less(0.05).toFloat();
    const poison = (shape: number[], at: number) =>
      tf.tensor(
        new Float32Array(tf.util.sizeFromShape(shape)).fill(0.1).fill(NaN, at, at + 1),
        shape,
      );
    const filter = poison([3, 3, 32, 64], ((1 * 3 + 1) * 32 + 2) * 64 + 7) as tf.Tensor4D;
    const dy = poison([4, 12, 12, 64], (5 * 12 + 6) * 64 + 9);
    const columns = (t: tf.Tensor) => {
      const rows = t.reshape([-1, 64]).isNaN();
      return [rows.all(0), rows.any(0)].map((c) => [...c.dataSync()].indexOf(1));
    };
    const affine = { scale: tf.ones([64]), shift: tf.zeros([64]) };
    expect(columns(spikeConv2d(x as tf.Tensor4D, filter, affine))).toEqual([7, 7]);
    const conv = (w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
    expect(columns(conv(filter))).toEqual([7, 7]);
    expect(columns(tf.grad(conv)(tf.zeros(filter.shape), dy))).toEqual([9, 9]);
    const rows = x.reshape<tf.Tensor2D>([576, 32]);
    const weights = poison([32, 64], 7) as tf.Tensor2D;
    const product = (w: tf.Tensor) => tf.matMul(rows, w as tf.Tensor2D);
    expect(columns(product(weights))).toEqual([7, 7]);
    expect(columns(tf.grad(product)(tf.zeros([32, 64]), dy.reshape([576, 64])))).toEqual([9, 9]);
  });
});
