/** The CUDA kernels of MultiStepLIF, compiled for this CPU, against their specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as composed from '../../../lib/kernels/multi_step_lif';
import {
  MultiStepLIF,
  MultiStepLIFGrad,
  type NeuronAttrs,
} from '../../../lib/kernels/multi_step_lif';
import { getSurrogate, surrogateNames } from '../../../lib/kernels/surrogate';
import { resolveLIF } from '../../../lib/neuron_params';
import { expectClose } from '../../support/compare';
import { describeGpuOnCpu, runOnGpu, runThreads } from '../../support/cuda_on_cpu';

const defaults = resolveLIF();

interface Options {
  v0?: boolean;
  w?: number;
  seed?: number;
}

/** Equal in every bit, but for the sign of zero. */
function expectSame(actual: tf.Tensor, expected: tf.Tensor) {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  expect([...a.keys()].filter((i) => a[i] !== b[i])).toEqual([]);
}

/** Random numbers of that shape, between two, and the inputs that a gradient has besides. */
function example(shape: number[], { v0, w, seed = 1 }: Options) {
  const state = [shape[0]!, ...shape.slice(2)];
  const random = (of: number[], from: number, to: number, more: number) =>
    tf.randomUniform(of, from, to, 'float32', seed + more);
  return {
    x: random(shape, -1.4, 2.6, 0),
    v0: v0 ? random(state, -1, 1, 1) : undefined,
    w: w === undefined ? undefined : tf.scalar(w),
    dSpikes: random(shape, -1, 1, 2),
    dV: random(state, -1, 1, 3),
  };
}

/** Forward exactly, gradient to rounding. */
function check(shape: number[], attrs: NeuronAttrs, options: Options = {}) {
  tf.tidy(() => {
    const { x, v0, w, dSpikes, dV } = example(shape, options);
    const [spikes, v] = runOnGpu(MultiStepLIF, { x, v0, w }, attrs);
    const [expectedSpikes, expectedV] = composed.multiStepLIF(x, attrs, v0, w);
    expectSame(spikes!, expectedSpikes!);
    expectSame(v!, expectedV!);

    const got = runOnGpu(MultiStepLIFGrad, { x, dSpikes, dV, v0, w }, attrs);
    const expected = composed.multiStepLIFGrad(x, dSpikes, dV, attrs, v0, w);
    expect(got).toHaveLength(expected.length);
    // w's gradient is a sum over all neurons, most of which cancels.
    const sum = { rel_to_max: 1e-4, atol: Math.sqrt(x.size) * 1e-5 };
    const dw = w ? got.pop()! : undefined;
    if (dw) expectClose(dw, expected.pop()!, 'dw', sum);
    for (const [i, gradient] of got.entries()) {
      expectClose(gradient, expected[i]!, `gradient ${i}`, { rel_to_max: 2e-6, atol: 1e-9 });
    }
  });
}

describeGpuOnCpu('MultiStepLIF as CUDA kernels, on this CPU', () => {
  it.each([1, 7, 40, 41, 2530])('handles %i neurons', (n) => {
    check([2, 4, n], defaults, { v0: true });
    check([3, 1, n], defaults, { w: 0.4 });
  });

  it.each(surrogateNames)('has the %s surrogate', (surrogate) => {
    for (const alpha of [getSurrogate(surrogate).alpha, 0.7]) {
      for (const detachReset of [true, false]) {
        check([2, 5, 37], { ...defaults, surrogate, alpha, detachReset });
      }
    }
  });

  it('steps through long sequences', () => {
    check([1, 300, 21], { ...defaults, vReset: null }, { v0: true, w: -0.3 });
    check([3, 64, 20], { ...defaults, tau: 4 });
  });

  it('is an integrate-and-fire neuron where tau is infinite', () =>
    check([2, 6, 50], { ...defaults, tau: Infinity, decayInput: false }));

  it('takes batches and layers of no neurons', () => {
    check([0, 3, 5], defaults, { v0: true });
    check([2, 3, 0], defaults, { w: 0.5 });
  });

  it('agrees with the composed form for any neuron', () => {
    const attrs = fc.record({
      tau: fc.constantFrom(1.25, 1.75, 2, 3, 4, 7.3),
      vThreshold: fc.constantFrom(0.5, 1, 1.3),
      vReset: fc.constantFrom(null, 0, -0.2, 0.3),
      detachReset: fc.boolean(),
      decayInput: fc.boolean(),
      surrogate: fc.constantFrom(...surrogateNames),
      alpha: fc.constantFrom(0.5, 1, 2, 4),
    });
    const shape = fc.tuple(...([3, 7, 90] as const).map((max) => fc.integer({ min: 1, max })));
    const options = fc.record({
      v0: fc.boolean(),
      w: fc.constantFrom(undefined, -1, 0, 0.8),
      seed: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(attrs, shape, options, (a, s, o) => check(s, a, o)),
      { numRuns: 100 },
    );
  });

  it('gives the same bits in whatever order threads run', () => {
    const once = (order: 'forward' | 'backward') => {
      runThreads(order);
      return tf.tidy(() => {
        const { x, v0, w, dSpikes, dV } = example([3, 5, 1001], { v0: true, w: 0.2 });
        const forward = runOnGpu(MultiStepLIF, { x, v0, w }, defaults);
        const back = runOnGpu(MultiStepLIFGrad, { x, dSpikes, dV, v0, w }, defaults);
        return [...forward, ...back].map((tensor) => tensor.dataSync());
      });
    };
    expect(once('backward')).toEqual(once('forward'));
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const x = tf.zeros([2, 3, 4]);
      const wrong = () => runOnGpu(MultiStepLIF, { x, v0: tf.zeros([2, 5]) }, defaults);
      expect(wrong).toThrow('v0 must have 8 numbers, but has 10');
    });
  });
});
