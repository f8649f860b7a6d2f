/** NaN, infinities and huge numbers in neurons and pools of each backend: what the composed form makes of them on cpu. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as spiking from 'tfjs-spikingformer';
import { runKernel } from '../../lib/kernels';
import { FirstMaxPoolGrad, firstMaxPool, firstMaxPoolGrad } from '../../lib/kernels/max_pool';
import { multiStepLIF, multiStepLIFGrad } from '../../lib/kernels/multi_step_lif';
import { surrogateNames } from '../../lib/kernels/surrogate';
import { runNeuron } from '../../lib/neuron';
import { resolveIF, resolveLIF, resolvePLIF } from '../../lib/neuron_params';
import { backends, describeEachBackend, onGPU } from '../support/backends';
import type { Values } from '../support/fixtures';
import { expectSame, neuronGradients } from './non_finite_harness';

const special = [
  NaN,
  Infinity,
  -Infinity,
  -0,
  0,
  1,
  ...(backends.some(onGPU) ? [] : [1e30, -1e30]),
];
const ordinary = fc.integer({ min: -2048, max: 3072 }).map((n) => n / 1024);
/** No denormals: TensorFlow and GPUs take them for 0, and a maximum may be another. */
const numbers = (length: number) =>
  fc.array(
    fc.oneof(
      { weight: 3, arbitrary: ordinary },
      { weight: 1, arbitrary: fc.constantFrom(...special) },
    ),
    { minLength: length, maxLength: length },
  );

describeEachBackend('what is not finite, as the composed form has it', (backend) => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  /** What the composed form makes of it on the cpu backend. */
  async function composed(run: () => tf.Tensor[]): Promise<Values[]> {
    await tf.setBackend('cpu');
    const values = tf.tidy(() =>
      run().map((t) => ({ shape: t.shape, data: Float32Array.from(t.dataSync()) })),
    );
    await tf.setBackend(backend);
    return values;
  }

  // 3 steps of 5 neurons, of two samples.
  const [time, neurons, batch] = [3, 5, 2];
  test('neurons', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          kind: fc.constantFrom('if', 'lif', 'plif'),
          vReset: fc.constantFrom(0, 0.25, null),
          detachReset: fc.boolean(),
          decayInput: fc.boolean(),
          surrogate: fc.constantFrom(...surrogateNames),
          tau: fc.constantFrom(2, 1.75),
          w: fc.double({ min: -1, max: 1, noNaN: true }),
          x: numbers(batch * time * neurons),
          g: numbers(batch * time * neurons),
          v0: numbers(batch * neurons),
          gv: numbers(batch * neurons),
        }),
        async ({ kind, tau, decayInput, x, g, v0, gv, w, ...common }) => {
          const attrs =
            kind === 'if'
              ? resolveIF(common)
              : kind === 'plif'
                ? resolvePLIF({ ...common, decayInput })
                : resolveLIF({ ...common, decayInput, tau });
          const make = () => ({
            x: tf.tensor(x, [batch, time, neurons]),
            v0: tf.tensor(v0, [batch, neurons]),
            w: kind === 'plif' ? tf.scalar(w) : undefined,
            g: tf.tensor(g, [batch, time, neurons]),
            gv: tf.tensor(gv, [batch, neurons]),
          });
          const expected = await composed(() => {
            const t = make();
            return [
              ...multiStepLIF(t.x, attrs, t.v0, t.w),
              ...multiStepLIFGrad(t.x, t.g, t.gv, attrs, t.v0, t.w),
            ];
          });
          /** The largest of a neuron's numbers, at a step or later and without steps: terms of that size may cancel. */
          const largest = (
            perStep: number[],
            once: number[],
            [sample, neuron, from = 0]: number[],
          ) => {
            const terms = [once[sample! * neurons + neuron!]!];
            for (let step = from; step < time; step++) {
              terms.push(perStep[(sample! * time + step) * neurons + neuron!]!);
            }
            return Math.max(1, ...terms.map(Math.abs).filter(Number.isFinite));
          };
          const scales: Record<string, (i: number) => number> = {
            dx: (i) => {
              const row = Math.floor(i / neurons);
              return largest(g, gv, [Math.floor(row / time), i % neurons, row % time]);
            },
            dv0: (i) => largest(g, gv, [Math.floor(i / neurons), i % neurons]),
            // Over all neurons, of products with inputs and membranes.
            dw: () =>
              Math.max(
                ...v0.map((_, i) => {
                  const at = [Math.floor(i / neurons), i % neurons];
                  return largest(g, gv, at) * largest(x, v0, at);
                }),
              ),
          };
          const rounding: [number, number] = onGPU(backend) ? [1e-3, 1e-4] : [1e-4, 1e-5];
          tf.tidy(() => {
            const t = make();
            const { spikes, v } = runNeuron(t.x, attrs, t.v0, t.w);
            const all = [
              spikes,
              v,
              ...neuronGradients({ x: t.x, v0: t.v0, w: t.w }, t.g, t.gv, attrs),
            ];
            for (const [i, name] of ['spikes', 'v', 'dx', 'dv0', 'dw'].entries()) {
              if (all[i]) expectSame(all[i], expected[i]!, name, rounding, scales[name]);
            }
          });
        },
      ),
      { numRuns: onGPU(backend) ? 15 : 60 },
    ));

  test('max pool', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom([3, 2, 1] as const, [2, 2, 0] as const, [3, 1, 1] as const),
        numbers(5 * 6 * 5),
        async ([poolSize, strides, padding], x) => {
          const attrs = { poolSize, strides, padding };
          const make = () => tf.tensor4d(x, [1, 5, 6, 5]);
          const dy = (y: tf.Tensor) => tf.range(1, y.size + 1).reshape<tf.Tensor4D>(y.shape);
          const expected = await composed(() => {
            const y = firstMaxPool(make(), attrs);
            return [y, firstMaxPoolGrad(dy(y), make(), attrs)];
          });
          tf.tidy(() => {
            const y = spiking.maxPool2d(make(), attrs);
            const dx = runKernel<tf.Tensor>(FirstMaxPoolGrad, { dy: dy(y), x: make() }, attrs);
            expectSame(y, expected[0]!, 'y');
            expectSame(dx, expected[1]!, 'dx');
          });
        },
      ),
      { numRuns: onGPU(backend) ? 10 : 40 },
    ));
});
