/** Spiking attention on wasm, against its specification. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { multiHeadSpikingAttention } from 'tfjs-spikingformer';
import {
  SpikingAttention,
  SpikingAttentionGrad,
  spikingAttention,
  spikingAttentionGrad,
} from '../../../lib/kernels/attention';
import { attentionConfig, attentionGradConfig } from '../../../lib/kernels/wasm/attention';
import { expectClose, expectSameNumbers } from '../../support/compare';
import { runnerOf } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

type Heads = [dy: tf.Tensor, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor];
type Attrs = { numHeads: number; scale: number };

const spikes = (shape: number[], seed: number) =>
  tf.randomUniform(shape, 0, 1, 'float32', seed).less(0.3).cast('float32');
const whole = (shape: number[], seed: number) =>
  tf.randomUniform(shape, -8, 8, 'float32', seed).round();
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

const run = runnerOf([attentionConfig, attentionGradConfig]);
/** y, dq, dk, dv as tensors of the engine, which alone frees what a kernel returns. */
function kernels([dy, q, k, v]: Heads, attrs: Attrs): tf.Tensor[] {
  const made = [
    ...run(SpikingAttention, { q, k, v }, attrs),
    ...run(SpikingAttentionGrad, { dy, q, k, v }, attrs),
  ];
  return made.map((x) =>
    x instanceof tf.Tensor ? x : tf.engine().makeTensorFromTensorInfo(x as tf.TensorInfo),
  );
}

function composed([dy, ...inputs]: Heads, attrs: Attrs): tf.Tensor[] {
  const attend = (...[q, k, v]: tf.Tensor[]) => spikingAttention(q!, k!, v!, attrs);
  return [attend(...inputs), ...tf.grads(attend)(inputs, dy)];
}

const names = ['y', 'dq', 'dk', 'dv'];

function expectBits(actual: tf.Tensor[], expected: tf.Tensor[], what: string): void {
  for (const [i, got] of actual.entries()) {
    expect(got.shape).toEqual(expected[i]!.shape);
    expectSameNumbers(got, expected[i]!, `${names[i]} of ${what}`);
  }
}

const sizes = fc.record({
  tokens: fc.integer({ min: 1, max: 80 }),
  headDim: fc.constantFrom(1, 2, 3, 5, 8, 16, 17, 31, 32, 33, 48, 64, 65, 100),
  numHeads: fc.integer({ min: 1, max: 3 }),
  time: fc.integer({ min: 1, max: 3 }),
  seed: fc.integer({ min: 1, max: 1e6 }),
});

describe('spiking attention on wasm', () => {
  it('is what multiHeadSpikingAttention runs, forward and backward', async () => {
    const x = spikes([1, 2, 3, 4], 1);
    const attend = (q: tf.Tensor) => multiHeadSpikingAttention(q, x, x, { numHeads: 2 });
    const { kernels } = await tf.profile(() => tf.grad(attend)(x));
    const run = kernels.map(({ name }) => name);
    expect(run).toEqual(expect.arrayContaining([SpikingAttention, SpikingAttentionGrad]));
    expect(run).not.toContain('BatchMatMul');
    x.dispose();
  });

  it('is the composed form for heads of any size: of spikes to the bit', () => {
    fc.assert(
      fc.property(sizes, ({ tokens, headDim, numHeads, time, seed }) => {
        tf.tidy(() => {
          const shape = [2, time, tokens, numHeads * headDim];
          const [q, k, v] = [1, 2, 3].map((i) => spikes(shape, seed + i));
          const exact: Heads = [whole(shape, seed), q!, k!, v!];
          // 0.3 is no power of two: what is scaled must be the whole number, after the last sum.
          const odd = { numHeads, scale: 0.3 };
          expectBits(kernels(exact, odd).slice(0, 1), composed(exact, odd).slice(0, 1), 'spikes');
          const attrs = { numHeads, scale: 0.25 };
          expectBits(kernels(exact, attrs), composed(exact, attrs), 'spikes');
          const rounded = composed([normal(shape, seed), q!, k!, v!], attrs);
          for (const [i, got] of kernels([normal(shape, seed), q!, k!, v!], attrs).entries()) {
            expectClose(got, rounded[i]!, names[i]!, { rel_to_max: 1e-5, atol: 1e-6 });
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it('is the composed form to the bit, of other numbers than spikes and of gradients that are not finite', () => {
    const odd = fc.constantFrom(0.5, -1, 2, Number.NaN, Number.POSITIVE_INFINITY);
    const input = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(
        fc.record({
          tokens: fc.integer({ min: 1, max: 9 }),
          headDim: fc.integer({ min: 1, max: 9 }),
          numHeads: fc.integer({ min: 1, max: 3 }),
          place: fc.nat(),
          seed: fc.integer({ min: 1, max: 1e6 }),
          odd,
          input,
        }),
        ({ tokens, headDim, numHeads, place, seed, odd, input }) => {
          tf.tidy(() => {
            const shape = [1, 2, tokens, numHeads * headDim];
            const heads = [whole(shape, seed), ...[1, 2, 3].map((i) => spikes(shape, seed + i))];
            const values = heads[input]!.dataSync().slice();
            values[place % values.length] = odd;
            heads[input] = tf.tensor(values, shape);
            const attrs = { numHeads, scale: 0.25 };
            expectBits(kernels(heads as Heads, attrs), composed(heads as Heads, attrs), 'others');
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has the gradient of stock ops as its specification', () => {
    for (const shape of [
      [2, 3, 5, 8],
      [2, 3, 2, 8],
    ]) {
      tf.tidy(() => {
        const heads = [1, 2, 3, 4].map((i) => normal(shape, i)) as Heads;
        const attrs = { numHeads: 2, scale: 0.3 };
        const expected = composed(heads, attrs);
        expectBits([expected[0]!, ...spikingAttentionGrad(...heads, attrs)], expected, 'numbers');
      });
    }
  });

  it('takes batches of nothing', () => {
    tf.tidy(() => {
      for (const shape of [
        [0, 2, 3, 4],
        [2, 2, 0, 4],
        [2, 0, 3, 4],
        [1, 2, 3, 0],
      ]) {
        const none = tf.zeros(shape);
        const attrs = { numHeads: 2, scale: 1 };
        for (const y of kernels([none, none, none, none], attrs)) expect(y.shape).toEqual(shape);
      }
    });
  });

  it('leaves nothing behind', async () => {
    const x = spikes([1, 2, 3, 4], 1);
    const attend = (q: tf.Tensor) => multiHeadSpikingAttention(q, x, x, { numHeads: 2 });
    await expectNoLeak(() => tf.grad(attend)(x).dispose());
    x.dispose();
  });
});
