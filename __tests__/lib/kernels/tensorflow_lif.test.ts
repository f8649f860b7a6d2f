/** The TensorFlow op against its specification, the composed form on the same backend. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as composed from '../../../lib/kernels/multi_step_lif';
import {
  MultiStepLIF,
  MultiStepLIFGrad,
  type NeuronAttrs,
} from '../../../lib/kernels/multi_step_lif';
import { getSurrogate, surrogateNames } from '../../../lib/kernels/surrogate';
import { multiStepLIFKernels } from '../../../lib/kernels/tensorflow/multi_step_lif';
import { multiStepLIF } from '../../../lib/neuron';
import { expectClose } from '../../support/compare';
import { expectNoLeak } from '../../support/leaks';
import { describeNativeOps } from '../../support/tensorflow';

const defaults: NeuronAttrs = {
  tau: 2,
  vThreshold: 1,
  vReset: 0,
  detachReset: true,
  decayInput: true,
  surrogate: 'sigmoid',
  alpha: 4,
};

interface Options {
  v0?: boolean;
  w?: number;
  seed?: number;
}

/** What the kernel of that name makes of `inputs`. */
function runNative(name: string, inputs: Record<string, tf.Tensor | undefined>, attrs: object) {
  const { kernelFunc } = multiStepLIFKernels.find(({ kernelName }) => kernelName === name)!;
  const given = Object.fromEntries(Object.entries(inputs).filter(([, x]) => x !== undefined));
  return kernelFunc({
    inputs: given as tf.NamedTensorInfoMap,
    backend: tf.backend(),
    attrs: attrs as tf.NamedAttrMap,
  }) as tf.Tensor[];
}

/** Equal in every bit, but for the sign of zero. */
function expectSame(actual: tf.Tensor, expected: tf.Tensor) {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  const differing = [...a.keys()].filter((i) => a[i] !== b[i]);
  expect(differing).toEqual([]);
}

/** Forward exactly, gradient to rounding, for random input of that shape. */
function check(
  shape: number[],
  attrs: NeuronAttrs,
  { v0: hasV0, w: wValue, seed = 1 }: Options = {},
) {
  tf.tidy(() => {
    const state = [shape[0]!, ...shape.slice(2)];
    const random = (of: number[], from: number, to: number, offset: number) =>
      tf.randomUniform(of, from, to, 'float32', seed + offset);
    const x = random(shape, -1.4, 2.6, 0);
    const v0 = hasV0 ? random(state, -1, 1, 1) : undefined;
    const w = wValue === undefined ? undefined : tf.scalar(wValue);
    const [spikes, v] = runNative(MultiStepLIF, { x, v0, w }, attrs);
    const [expectedSpikes, expectedV] = composed.multiStepLIF(x, attrs, v0, w);
    expectSame(spikes!, expectedSpikes!);
    expectSame(v!, expectedV!);

    const dSpikes = random(shape, -1, 1, 2);
    const dV = random(state, -1, 1, 3);
    const got = runNative(MultiStepLIFGrad, { x, dSpikes, dV, v0, w }, attrs);
    const expected = composed.multiStepLIFGrad(x, dSpikes, dV, attrs, v0, w);
    expect(got).toHaveLength(expected.length);
    // w's gradient is a sum over all neurons, most of which cancels.
    const scale = Math.sqrt(x.size) * 1e-5;
    const dw = w ? got.pop()! : undefined;
    const expectedDw = w ? expected.pop()! : undefined;
    if (dw) expectClose(dw, expectedDw!, 'dw', { rel_to_max: 1e-4, atol: scale });
    for (const [i, gradient] of got.entries()) {
      expectClose(gradient, expected[i]!, `gradient ${i}`, { rel_to_max: 2e-6, atol: 1e-9 });
    }
  });
}

describeNativeOps('MultiStepLIF as a TensorFlow op', () => {
  it.each([1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 63, 65, 1023, 1025, 2530])(
    'handles %i neurons',
    (n) => {
      check([2, 4, n], defaults, { v0: true });
      check([3, 1, n], defaults, { w: 0.4 });
    },
  );

  it('handles more spikes than the caches hold', () => {
    check([3, 4, 350_003], defaults, { v0: true });
  });

  it('is what multiStepLIF runs', () => {
    multiStepLIF(tf.zeros([1, 1, 1])).dispose();
    const registered = tf.getKernel(MultiStepLIF, 'tensorflow').kernelFunc;
    expect(multiStepLIFKernels.map(({ kernelFunc }) => kernelFunc)).toContain(registered);
  });

  it('gives several threads their shares', () => check([16, 4, 16, 16, 33], defaults, { w: 0.1 }));

  it.each(surrogateNames)('has the %s surrogate', (surrogate) => {
    for (const alpha of [getSurrogate(surrogate).alpha, 0.7, 9]) {
      for (const detachReset of [true, false]) {
        check([2, 5, 37], { ...defaults, surrogate, alpha, detachReset });
      }
    }
  });

  it.each(surrogateNames)('has a finite %s surrogate however far the membrane is', (surrogate) => {
    const attrs = { ...defaults, surrogate, alpha: getSurrogate(surrogate).alpha };
    const far = [1e30, -1e30, 1e10, -1e10, 100, -100, 2, 2.0000002, 40, 43, 44, 45];
    tf.tidy(() => {
      const x = tf.tensor(far, [1, 1, far.length]);
      const zeros = tf.zeros([1, far.length]);
      const [dx] = runNative(MultiStepLIFGrad, { x, dSpikes: tf.onesLike(x), dV: zeros }, attrs);
      const derivative = getSurrogate(surrogate).derivative(attrs.alpha);
      const expected = far.map((y) => derivative(Math.fround(y / 2) - 1) / 2);
      expectClose(dx!, tf.tensor(expected, x.shape), 'dx', { rel_to_max: 1e-6, atol: 0 });
    });
  });

  it('steps through long sequences', () => {
    check([1, 300, 21], { ...defaults, vReset: null }, { v0: true, w: -0.3 });
    check([3, 64, 200], { ...defaults, tau: 3 });
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
    const shape = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 90 }),
    );
    const options = fc.record({
      v0: fc.boolean(),
      w: fc.constantFrom(undefined, -1, 0, 0.8),
      seed: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(attrs, shape, options, (a, s, o) => check(s, a, o)),
      { numRuns: 300 },
    );
  });

  it('gives the same gradient of w whenever it runs', () => {
    tf.tidy(() => {
      const x = tf.randomUniform([8, 4, 20000], -1, 3, 'float32', 5);
      const inputs = { x, dSpikes: tf.onesLike(x), dV: tf.zeros([8, 20000]), w: tf.scalar(0.2) };
      const dw = () => runNative(MultiStepLIFGrad, inputs, defaults)[1]!.dataSync()[0];
      const first = dw();
      for (let i = 0; i < 10; i++) expect(dw()).toBe(first);
    });
  });

  it('leaves nothing behind', async () => {
    await expectNoLeak(() => tf.tidy(() => check([2, 3, 40], defaults, { v0: true, w: 0.5 })));
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const x = tf.zeros([2, 3, 4]);
      const wrong = () => runNative(MultiStepLIF, { x, v0: tf.zeros([2, 5]) }, defaults);
      expect(wrong).toThrow('v0 must have 8 numbers, but has 10');
    });
  });
});
