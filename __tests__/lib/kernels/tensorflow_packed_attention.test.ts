/** Spiking attention that keeps spikes as bits, against the one that keeps them as numbers. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { multiHeadSpikingAttention } from 'tfjs-spikingformer';
import {
  PackedSpikingAttention,
  PackedSpikingAttentionGrad,
  SpikingAttention,
  SpikingAttentionGrad,
} from '../../../lib/kernels/attention';
import {
  attentionKernels,
  packedAttentionKernels,
} from '../../../lib/kernels/tensorflow/attention';
import '../../support/backends';
import { anySizes, runnerOf } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { describeNativeOps } from '../../support/tensorflow';

const run = runnerOf([...attentionKernels, ...packedAttentionKernels]);
const spikes = (shape: number[], seed: number) =>
  tf.randomUniform(shape, 0, 1, 'float32', seed).less(0.3).cast('float32');

function expectSame(got: tf.Tensor[], expected: tf.Tensor[]): void {
  expect(got.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  for (const [i, x] of got.entries()) expect(x.dataSync()).toEqual(expected[i]!.dataSync());
}

describeNativeOps('spiking attention that keeps bits', () => {
  test('computes the same, and the same gradients, of spikes and of other numbers', () => {
    const sizes = fc.record({ sizes: anySizes(3, 3, 20, 4, 20), real: fc.boolean() });
    fc.assert(
      fc.property(sizes, ({ sizes: [batch, time, tokens, numHeads, headDim], real }) => {
        tf.tidy(() => {
          const shape = [batch, time, tokens, numHeads * headDim];
          const attrs = { numHeads, scale: 0.125 };
          const [q, k, v] = [spikes(shape, 1), spikes(shape, 2), spikes(shape, 3)];
          const inputs = { q, k, v: real ? v.mul(0.5) : v };
          const dy = tf.randomNormal(shape, 0, 1, 'float32', 4);
          const [y, kept] = run(PackedSpikingAttention, inputs, attrs) as [tf.Tensor, tf.Tensor];
          expectSame([y], run(SpikingAttention, inputs, attrs));
          if (!(real && v.sum().dataSync()[0])) expect(kept.dtype).toBe('int32');
          expectSame(
            run(PackedSpikingAttentionGrad, { dy, kept }, attrs),
            run(SpikingAttentionGrad, { dy, ...inputs }, attrs),
          );
        });
      }),
      { numRuns: 40 },
    );
  });

  test.each([Infinity, NaN, 3e38])('spreads a dy of %d as numbers do', (wrong) => {
    tf.tidy(() => {
      const shape = [2, 1, 24, 40];
      const attrs = { numHeads: 2, scale: 0.125 };
      const inputs = { q: spikes(shape, 1), k: spikes(shape, 2), v: spikes(shape, 3) };
      const dy = tf.where(spikes(shape, 5).cast('bool'), wrong, tf.randomNormal(shape));
      const [, kept] = run(PackedSpikingAttention, inputs, attrs) as [tf.Tensor, tf.Tensor];
      const [dq, dk, dv] = run(PackedSpikingAttentionGrad, { dy, kept }, attrs);
      expectSame([dq!, dk!, dv!], run(SpikingAttentionGrad, { dy, ...inputs }, attrs));
      expect([...dv!.dataSync()].every(Number.isFinite)).toBe(false);
    });
  });

  test('is what multiHeadSpikingAttention runs while a gradient is recorded', async () => {
    const [q, k, v] = [1, 2, 3].map((seed) => tf.tidy(() => spikes([2, 4, 8, 8, 64], seed)));
    const dy = tf.randomNormal([2, 4, 8, 8, 64], 0, 1, 'float32', 4);
    await expectNoLeak(() =>
      tf.tidy(() => {
        const attend = (...x: tf.Tensor[]) =>
          multiHeadSpikingAttention(x[0]!, x[1]!, x[2]!, { numHeads: 4 });
        const gradients = tf.grads(attend)([q!, k!, v!], dy);
        const attrs = { numHeads: 4, scale: 0.125 };
        const inputs = { dy, q: q!, k: k!, v: v! };
        expectSame(gradients, run(SpikingAttentionGrad, inputs, attrs));
      }),
    );
    tf.dispose([q!, k!, v!, dy]);
  });

  test('refuses words of other tensors', () => {
    tf.tidy(() => {
      const attrs = { numHeads: 2, scale: 1 };
      const q = spikes([1, 1, 8, 8], 1);
      const [, kept] = run(PackedSpikingAttention, { q, k: q, v: q }, attrs);
      const dy = tf.ones([1, 2, 8, 8]);
      expect(() => run(PackedSpikingAttentionGrad, { dy, kept: kept! }, attrs)).toThrow(
        'words must be those of q, k and v',
      );
    });
  });
});
