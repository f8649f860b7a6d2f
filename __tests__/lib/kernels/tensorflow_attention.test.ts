/** Spiking attention on tfjs-node, against its specification. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { multiHeadSpikingAttention } from '../../../lib/attention';
import {
  SpikingAttention,
  SpikingAttentionGrad,
  spikingAttention,
} from '../../../lib/kernels/attention';
import { attentionKernels } from '../../../lib/kernels/tensorflow/attention';
import '../../../lib'; // Registers the gradients.
import '../../support/backends';
import { expectClose } from '../../support/compare';
import { type RunKernel, runnerOf } from '../../support/kernels';
import { describeNativeOps } from '../../support/tensorflow';

const run = (kernels: tf.KernelConfig[], ...call: Parameters<RunKernel>) =>
  runnerOf(kernels)(...call);

describeNativeOps('spiking attention as a native op', () => {
  type Heads = [dy: tf.Tensor, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor];
  const spikes = (shape: number[], seed: number) =>
    tf.randomUniform(shape, 0, 1, 'float32', seed).less(0.3).cast('float32');
  const whole = (shape: number[], seed: number) =>
    tf.randomUniform(shape, -8, 8, 'float32', seed).round();
  const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

  const native = ([dy, q, k, v]: Heads, attrs: { numHeads: number; scale: number }) => [
    ...run(attentionKernels, SpikingAttention, { q, k, v }, attrs),
    ...run(attentionKernels, SpikingAttentionGrad, { dy, q, k, v }, attrs),
  ];
  const composed = ([dy, ...inputs]: Heads, attrs: { numHeads: number; scale: number }) => {
    const attend = (...[q, k, v]: tf.Tensor[]) => spikingAttention(q!, k!, v!, attrs);
    return [attend(...inputs), ...tf.grads(attend)(inputs, dy)];
  };
  const names = ['y', 'dq', 'dk', 'dv'];
  const headDims = [1, 2, 3, 5, 8, 16, 31, 32, 33, 48, 64, 65, 100, 130];

  it('is what multiHeadSpikingAttention runs', () => {
    tf.tidy(() => {
      const x = spikes([1, 2, 3, 4], 1);
      multiHeadSpikingAttention(x, x, x, { numHeads: 2 });
      for (const { kernelName, kernelFunc } of attentionKernels) {
        expect(tf.getKernel(kernelName, 'tensorflow').kernelFunc).toBe(kernelFunc);
      }
    });
  });

  it('is the composed form for heads of any size: of spikes to the bit', () => {
    fc.assert(
      fc.property(
        fc.record({
          tokens: fc.integer({ min: 1, max: 80 }),
          headDim: fc.constantFrom(...headDims),
          numHeads: fc.integer({ min: 1, max: 3 }),
          time: fc.integer({ min: 1, max: 3 }),
          seed: fc.integer({ min: 1, max: 1e6 }),
        }),
        ({ tokens, headDim, numHeads, time, seed }) => {
          tf.tidy(() => {
            const shape = [2, time, tokens, numHeads * headDim];
            const [q, k, v] = [1, 2, 3].map((i) => spikes(shape, seed + i));
            const exact: Heads = [whole(shape, seed), q!, k!, v!];
            // 0.3 is no power of two: what is scaled must be the whole number, after the last sum.
            const [y] = native(exact, { numHeads, scale: 0.3 });
            const [expectedY] = composed(exact, { numHeads, scale: 0.3 });
            expectClose(y!, expectedY!, 'y of spikes', { atol: 0 });
            const attrs = { numHeads, scale: 0.25 };
            const expected = composed(exact, attrs);
            for (const [i, got] of native(exact, attrs).entries()) {
              expect(got.shape).toEqual(shape);
              expectClose(got, expected[i]!, `${names[i]} of spikes`, { atol: 0 });
            }
            const real = [1, 2, 3, 4].map((i) => normal(shape, seed + i)) as Heads;
            const rounded = composed(real, attrs);
            for (const [i, got] of native(real, attrs).entries()) {
              expectClose(got, rounded[i]!, names[i]!, { rel_to_max: 1e-5, atol: 1e-6 });
            }
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps nothing but q, k and v, as bits, for the gradient', () => {
    tf.tidy(() => {
      const x = spikes([2, 2, 9, 8], 1);
      const { backend } = tf.engine();
      const attend = (q: tf.Tensor) => {
        const before = backend.numDataIds();
        const y = multiHeadSpikingAttention(q, x, x, { numHeads: 2 });
        expect(backend.numDataIds() - before).toBe(2); // y and the bits
        return y;
      };
      tf.grad(attend)(x);
    });
  });

  it('gives the same bits whether one thread or several share the heads', () => {
    tf.tidy(() => {
      const shape = [6, 4, 64, 256];
      const attrs = { numHeads: 8, scale: 0.125 };
      const all = [1, 2, 3, 4].map((i) => normal(shape, i)) as Heads;
      const together = native(all, attrs);
      // The heads of one time step alone are too few for a second thread.
      const [sample, step] = [3, 2];
      const part = (x: tf.Tensor) => x.slice([sample, step, 0, 0], [1, 1, 64, 256]);
      const alone = native(all.map(part) as Heads, attrs);
      for (const [i, name] of names.entries()) {
        expectClose(part(together[i]!), alone[i]!, name, { atol: 0 });
      }
      for (let repeat = 0; repeat < 5; repeat++) {
        for (const [i, again] of native(all, attrs).entries()) {
          expectClose(again, together[i]!, names[i]!, { atol: 0 });
        }
      }
    });
  });

  it('takes batches of nothing', () => {
    tf.tidy(() => {
      const attrs = { numHeads: 2, scale: 1 };
      for (const shape of [
        [0, 2, 3, 4],
        [2, 2, 0, 4],
        [2, 0, 3, 4],
        [1, 2, 3, 0],
      ]) {
        const none = tf.zeros(shape);
        for (const y of native([none, none, none, none], attrs)) expect(y.shape).toEqual(shape);
      }
    });
  });

  it('names what does not fit', () => {
    tf.tidy(() => {
      const [q, v] = [tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 2])];
      const attend = (numHeads: number) => () =>
        run(attentionKernels, SpikingAttention, { q, k: q, v }, { numHeads, scale: 1 });
      expect(attend(2)).toThrow('v must have 24 numbers, but has 12');
      expect(attend(3)).toThrow('q must be [batch, time, ...tokens, channels]');
    });
  });
});
