/** Each backend's neuron kernel against the composed form, which specifies it, over random neurons. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as spiking from 'tfjs-spikingformer';
import { type SurrogateName, surrogateNames } from 'tfjs-spikingformer';
import type { NeuronAttrs } from '../../lib/kernels/multi_step_lif';
import { multiStepLIF, multiStepLIFGrad } from '../../lib/kernels/multi_step_lif';
import { resolveIF, resolveLIF, resolvePLIF } from '../../lib/neuron_params';
import { describeEachBackend, onGPU } from '../support/backends';
import { expectClose, expectSpikesEqual } from '../support/compare';

interface Neurons {
  kind: 'IF' | 'LIF' | 'PLIF';
  batch: number;
  time: number;
  neurons: number[];
  tau: number;
  vThreshold: number;
  vReset: number | null;
  detachReset: boolean;
  decayInput: boolean;
  surrogate: SurrogateName;
  alpha: number;
  withState: boolean;
  /** Quarters, so that membranes meet the threshold exactly. */
  quantized: boolean;
  seed: number;
}

/** No subnormal ones, which TensorFlow takes for zero. */
const number = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((x) => (Math.abs(x) < 1e-30 ? 0 : x));

const neurons: fc.Arbitrary<Neurons> = fc.record({
  kind: fc.constantFrom('IF' as const, 'LIF' as const, 'PLIF' as const),
  batch: fc.integer({ min: 1, max: 3 }),
  time: fc.integer({ min: 1, max: 6 }),
  neurons: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 0, maxLength: 3 }),
  tau: fc.oneof(fc.constantFrom(2, 1.75, 1.1, 3.3), number(1.01, 20)),
  vThreshold: fc.oneof(fc.constantFrom(1, 0.5, 0.3), number(0.2, 2)),
  vReset: fc.oneof(fc.constantFrom(0, null, -0.5, 0.1), number(-2, 0.19)),
  detachReset: fc.boolean(),
  decayInput: fc.boolean(),
  surrogate: fc.constantFrom(...surrogateNames),
  alpha: fc.oneof(fc.constantFrom(1, 2, 4), number(0.3, 6)),
  withState: fc.boolean(),
  quantized: fc.boolean(),
  seed: fc.integer({ min: 1, max: 1e6 }),
});

/** The complete parameters, and the inputs that the kind of neuron has. */
function prepare(c: Neurons) {
  const { vThreshold, vReset, detachReset, surrogate, alpha, decayInput, tau } = c;
  const common = { vThreshold, vReset, detachReset, surrogate, alpha };
  const params = {
    IF: common,
    PLIF: { ...common, decayInput },
    LIF: { ...common, decayInput, tau },
  };
  const attrs: NeuronAttrs = {
    IF: () => resolveIF(params.IF),
    PLIF: () => resolvePLIF(params.PLIF),
    LIF: () => resolveLIF(params.LIF),
  }[c.kind]();
  const random = (shape: number[], low: number, high: number, seed: number) => {
    const x = tf.randomUniform(shape, low, high, 'float32', seed);
    return c.quantized ? x.mul(4).round().div(4) : x;
  };
  const x = random([c.batch, c.time, ...c.neurons], -1, 3, c.seed);
  const v0 = c.withState ? random([c.batch, ...c.neurons], -1, 1, c.seed + 1) : undefined;
  const w = c.kind === 'PLIF' ? tf.tensor1d([-Math.log(tau - 1)]) : undefined;
  const run = (input: tf.Tensor, state?: tf.Tensor, weight?: tf.Tensor): spiking.NeuronOutput => {
    if (c.kind === 'IF') return spiking.multiStepIFState(input, params.IF, state);
    if (c.kind === 'LIF') return spiking.multiStepLIFState(input, params.LIF, state);
    return spiking.multiStepPLIFState(input, weight!, params.PLIF, state);
  };
  return { attrs, x, v0, w, run };
}

const numbers = (x: tf.Tensor) => Array.from(x.dataSync());

/**
 * Runs the specification. On cpu, whose sigmoid rounds as it should: wasm's is an approximation,
 * with which the composed form has another time constant for a PLIF neuron than its own kernel.
 * TensorFlow's differs from cpu's in the last bit, and is the one that its op is given too; so are
 * those of GPUs, where other neurons are held to cpu's bits.
 */
function specified<T>(kind: Neurons['kind'], run: () => T): T {
  const backend = tf.getBackend();
  const ownSigmoid = onGPU(backend) ? kind === 'PLIF' : backend === 'tensorflow';
  if (!ownSigmoid) tf.setBackend('cpu'); // At once where the backend has been started.
  try {
    return run();
  } finally {
    tf.setBackend(backend);
  }
}

describeEachBackend('any neuron', (backend) => {
  // A GPU's driver compiles a program for each kind of neuron, and webgl for each shape.
  const runs = onGPU(backend) ? 25 : 150;
  test('fires and ends as the composed form, exactly', () => {
    fc.assert(
      fc.property(neurons, (c) => {
        tf.tidy(() => {
          const { attrs, x, v0, w, run } = prepare(c);
          const { spikes, v } = run(x, v0, w);
          const [expectedSpikes, expectedV] = specified(c.kind, () =>
            multiStepLIF(x, attrs, v0, w).map(numbers),
          );
          expect(spikes.shape).toEqual(x.shape);
          expect(v.shape).toEqual([c.batch, ...c.neurons]);
          expect(numbers(spikes)).toEqual(expectedSpikes);
          // Zeros of either sign are one number.
          expect(numbers(v).map((n) => n + 0)).toEqual(expectedV!.map((n) => n + 0));
        });
      }),
      { numRuns: runs },
    );
  });

  test('has the gradients of the composed form: of x, v0 and w, through spikes and last membranes', () => {
    fc.assert(
      fc.property(neurons, (c) => {
        tf.tidy(() => {
          const { attrs, x, v0, w, run } = prepare(c);
          const dSpikes = tf.randomNormal(x.shape, 0, 1, 'float32', c.seed + 2);
          const dV = tf.randomNormal([c.batch, ...c.neurons], 0, 1, 'float32', c.seed + 3);
          const expected = specified(c.kind, () => multiStepLIFGrad(x, dSpikes, dV, attrs, v0, w));
          const inputs = [x, v0, w].filter((tensor) => tensor !== undefined);
          const actual = tf.grads((...given: tf.Tensor[]) => {
            const rest = given.slice(1);
            const state = v0 && rest.shift();
            const { spikes, v } = run(given[0]!, state, w && rest.shift());
            return spikes.mul(dSpikes).sum().add(v.mul(dV).sum());
          })(inputs);
          const names = ['x', v0 && 'v0', w && 'w'].filter((name) => name !== undefined);
          names.forEach((name, i) => {
            expectClose(actual[i]!, expected[i]!, `gradient of ${name}`, {
              rel_to_max: 1e-5,
              atol: 1e-6,
            });
          });
        });
      }),
      { numRuns: runs },
    );
  });

  test('does the same in one piece as in any two, with its state passed on', () => {
    fc.assert(
      fc.property(neurons, fc.nat(), (c, cut) => {
        fc.pre(c.time > 1);
        tf.tidy(() => {
          const { x, v0, w, run } = prepare(c);
          const first = 1 + (cut % (c.time - 1));
          const piece = (from: number, count: number) =>
            x.slice([0, from, ...c.neurons.map(() => 0)], [c.batch, count, ...c.neurons]);
          const whole = run(x, v0, w);
          const before = run(piece(0, first), v0, w);
          const after = run(piece(first, c.time - first), before.v, w);
          const spikes = tf.concat([before.spikes, after.spikes], 1);
          expect(numbers(spikes)).toEqual(numbers(whole.spikes));
          expect(numbers(after.v)).toEqual(numbers(whole.v));
        });
      }),
      { numRuns: Math.min(runs, 60) },
    );
  });

  test('is the same over many steps and more neurons than fit a block', () => {
    const many: Neurons = {
      kind: 'LIF',
      batch: 2,
      time: 70,
      neurons: [7, 149],
      tau: 2.7,
      vThreshold: 0.9,
      vReset: -0.3,
      detachReset: false,
      decayInput: true,
      surrogate: 'atan',
      alpha: 2,
      withState: true,
      quantized: false,
      seed: 5,
    };
    tf.tidy(() => {
      const { attrs, x, v0, run } = prepare(many);
      const { spikes, v } = run(x, v0);
      const [expectedSpikes, expectedV] = specified(many.kind, () => multiStepLIF(x, attrs, v0));
      expectSpikesEqual(spikes, expectedSpikes!);
      expectClose(v, expectedV!, 'last membranes', { atol: 0 });
      const g = tf.randomNormal(x.shape, 0, 1, 'float32', 8);
      const [expected] = multiStepLIFGrad(x, g, tf.zerosLike(v), attrs, v0);
      const actual = tf.grad((y) => run(y, v0).spikes.mul(g).sum())(x);
      expectClose(actual, expected!, 'gradient of x', { rel_to_max: 1e-5, atol: 1e-6 });
    });
  });

  test('with a learnt time constant takes it in any shape of one number, and gives its gradient that shape', () => {
    for (const shape of [[], [1], [1, 1]]) {
      tf.tidy(() => {
        const x = tf.randomUniform([2, 3, 4], 0, 3, 'float32', 1);
        const gradient = tf.grad((w) => spiking.multiStepPLIF(x, w).sum())(tf.fill(shape, 0.3));
        expect(gradient.shape).toEqual(shape);
        expect(gradient.dataSync()[0]).not.toBe(0);
      });
    }
  });

  test('takes its gradient at a distance from the threshold where exponentials overflow', () => {
    const far = [-3e38, -1e30, -1e10, -100, 100, 1e10, 1e30, 3e38];
    for (const surrogate of surrogateNames) {
      tf.tidy(() => {
        const x = tf.tensor(far, [1, 1, far.length]);
        const gradient = tf.grad((y) => spiking.multiStepIF(y, { surrogate }).sum())(x);
        for (const g of gradient.dataSync()) {
          expect(g).toBeGreaterThanOrEqual(0);
          expect(g).toBeLessThan(1e-3);
        }
      });
    }
  });

  test('works on no samples at all', () => {
    tf.tidy(() => {
      const { spikes, v } = spiking.multiStepLIFState(tf.zeros([0, 3, 2]));
      expect([spikes.shape, v.shape]).toEqual([
        [0, 3, 2],
        [0, 2],
      ]);
    });
  });
});
