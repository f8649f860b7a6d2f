/** What a backend's own MultiStepLIF is held to: the composed form on the same backend. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as composed from '../../lib/kernels/multi_step_lif';
import { MultiStepLIF, MultiStepLIFGrad, type NeuronAttrs } from '../../lib/kernels/multi_step_lif';
import { getSurrogate, surrogateNames } from '../../lib/kernels/surrogate';
import { resolveLIF } from '../../lib/neuron_params';
import { expectClose } from './compare';
import { anyNeuron, anySizes, anyState, type RunKernel } from './kernels';

const defaults = resolveLIF();

export interface LIFOptions {
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

/** Random inputs `[batch, time, ...]`, those of the gradient among them. */
export function lifExample(shape: number[], { v0, w, seed = 1 }: LIFOptions) {
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

/** Forward exactly, gradient to rounding, for random input of that shape. */
export const lifChecker =
  (run: RunKernel) =>
  (shape: number[], attrs: NeuronAttrs, options: LIFOptions = {}) => {
    tf.tidy(() => {
      const { x, v0, w, dSpikes, dV } = lifExample(shape, options);
      const [spikes, v] = run(MultiStepLIF, { x, v0, w }, attrs);
      const [expectedSpikes, expectedV] = composed.multiStepLIF(x, attrs, v0, w);
      expectSame(spikes!, expectedSpikes!);
      expectSame(v!, expectedV!);

      const got = run(MultiStepLIFGrad, { x, dSpikes, dV, v0, w }, attrs);
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
  };

/** The tests that need no examples of the backend's own. @param alphas besides the surrogate's own */
export function itIsMultiStepLIF(
  run: RunKernel,
  { alphas, numRuns }: { alphas: number[]; numRuns: number },
): void {
  const check = lifChecker(run);

  it.each(surrogateNames)('has the %s surrogate', (surrogate) => {
    for (const alpha of [getSurrogate(surrogate).alpha, ...alphas]) {
      for (const detachReset of [true, false]) {
        check([2, 5, 37], { ...defaults, surrogate, alpha, detachReset });
      }
    }
  });

  it('is an integrate-and-fire neuron where tau is infinite', () =>
    check([2, 6, 50], { ...defaults, tau: Infinity, decayInput: false }));

  it('takes batches and layers of no neurons', () => {
    check([0, 3, 5], defaults, { v0: true });
    check([2, 3, 0], defaults, { w: 0.5 });
  });

  it('agrees with the composed form for any neuron', () => {
    fc.assert(
      fc.property(anyNeuron, anySizes(3, 7, 90), anyState, (attrs, shape, options) =>
        check(shape, attrs, options),
      ),
      { numRuns },
    );
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const x = tf.zeros([2, 3, 4]);
      const wrong = () => run(MultiStepLIF, { x, v0: tf.zeros([2, 5]) }, defaults);
      expect(wrong).toThrow('v0 must have 8 numbers, but has 10');
    });
  });
}
