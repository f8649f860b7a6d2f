/** Spiking attention: its two orders of multiplication are equal to the bit, and to a naive loop. */
import * as tf from '@tensorflow/tfjs';
import { spikingAttention } from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectGradClose } from '../support/compare';

/** scale * sum over tokens m and channels e of q[n,e] k[m,e] v[m,d], per group. */
function naive(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, scale: number): number[] {
  const [tokens, headDim] = q.shape.slice(-2) as [number, number];
  const groups = q.size / (tokens * headDim);
  const [qs, ks, vs] = [q, k, v].map((x) => x.dataSync());
  const out: number[] = [];
  for (let g = 0; g < groups; g++) {
    const at = (n: number, e: number) => (g * tokens + n) * headDim + e;
    for (let n = 0; n < tokens; n++) {
      for (let d = 0; d < headDim; d++) {
        let sum = 0;
        for (let m = 0; m < tokens; m++) {
          for (let e = 0; e < headDim; e++) sum += qs![at(n, e)]! * ks![at(m, e)]! * vs![at(m, d)]!;
        }
        out.push(sum * scale);
      }
    }
  }
  return out;
}

const spikes = (shape: number[], seed: number) =>
  tf.randomUniform(shape, 0, 1, 'float32', seed).greater(0.4).toFloat();

describeEachBackend('spikingAttention', () => {
  test.each([
    ['more tokens than channels', [2, 2, 3, 7, 4]],
    ['fewer tokens than channels', [2, 2, 3, 4, 7]],
    ['as many', [1, 2, 2, 5, 5]],
    ['one token', [2, 1, 2, 1, 3]],
    ['one channel', [2, 1, 2, 3, 1]],
    ['no leading axes but heads', [2, 3, 4]],
  ])('of spikes, %s: either order and the naive loop are equal', (_, shape) => {
    tf.tidy(() => {
      const [q, k, v] = [1, 2, 3].map((seed) => spikes(shape, seed)) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const actual = spikingAttention(q, k, v, { scale: 0.25 });
      expect(actual.shape).toEqual(shape);
      const numbers = Array.from(actual.dataSync());
      expect(numbers).toEqual(naive(q, k, v, 0.25));
      const tokensFirst = tf.matMul(tf.matMul(q, k, false, true), v).mul(0.25);
      const channelsFirst = tf.matMul(q, tf.matMul(k, v, true, false)).mul(0.25);
      expect(numbers).toEqual(Array.from(tokensFirst.dataSync()));
      expect(numbers).toEqual(Array.from(channelsFirst.dataSync()));
    });
  });

  test.each([
    ['(q kT) v', 3, 6, [3, 3]],
    ['q (kT v)', 6, 3, [3, 3]],
  ])(
    'takes %s for %i tokens of %i channels, the cheaper of the two',
    async (_, tokens, headDim, inner) => {
      const x = tf.ones([1, tokens, headDim]);
      const { kernels } = await tf.profile(() => spikingAttention(x, x, x));
      const products = kernels.filter(({ name }) => name === 'BatchMatMul');
      expect(products.map(({ outputShapes }) => outputShapes[0])).toEqual([
        [1, ...inner],
        [1, tokens, headDim],
      ]);
      x.dispose();
    },
  );

  test('scales by 0.125 where nothing else is said', () => {
    tf.tidy(() => {
      const ones = tf.ones([1, 1, 1, 2, 2]);
      expect(Array.from(spikingAttention(ones, ones, ones).dataSync())).toEqual([
        0.5, 0.5, 0.5, 0.5,
      ]);
    });
  });

  test.each([[[1, 2, 3, 5]], [[1, 2, 5, 3]]])(
    'has the gradients of its formula, shape %p',
    (shape) => {
      tf.tidy(() => {
        const inputs = [4, 5, 6].map((seed) => tf.randomNormal(shape, 0, 1, 'float32', seed));
        const g = tf.randomNormal(shape, 0, 1, 'float32', 7);
        const actual = tf.grads((...[q, k, v]: tf.Tensor[]) =>
          spikingAttention(q!, k!, v!).mul(g).sum(),
        )(inputs);
        const expected = tf.grads((...[q, k, v]: tf.Tensor[]) =>
          tf
            .matMul(tf.matMul(q!, k!.transpose([0, 1, 3, 2])), v!)
            .mul(0.125)
            .mul(g)
            .sum(),
        )(inputs);
        actual.forEach((gradient, i) => {
          expectGradClose(gradient, expected[i]!, `gradient of ${'qkv'[i]}`);
        });
      });
    },
  );
});
