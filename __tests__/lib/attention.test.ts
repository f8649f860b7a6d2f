/** Spiking attention: its two orders of multiplication are equal to the bit, and to a naive loop. */
import * as tf from '@tensorflow/tfjs';
import { multiHeadSpikingAttention, spikingAttention } from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectGradClose } from '../support/compare';
import { expectNoLeak } from '../support/leaks';

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

/** `[batch, time, ...tokens, channels]` -> `[batch, time, heads, tokens, headDim]`. */
function split(x: tf.Tensor, numHeads: number): tf.Tensor {
  const [batch, time, ...tokens] = x.shape.slice(0, -1) as [number, number, ...number[]];
  const sizes = [batch, time, tf.util.sizeFromShape(tokens), numHeads, x.shape.at(-1)! / numHeads];
  return x.reshape(sizes).transpose([0, 1, 3, 2, 4]);
}

/** multiHeadSpikingAttention by stock operations, with their own gradients. */
function stock(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, numHeads: number, scale: number) {
  const [qs, ks, vs] = [q, k, v].map((x) => split(x, numHeads)) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const product = tf.matMul(tf.matMul(qs, ks, false, true), vs).mul(scale);
  return product.transpose([0, 1, 3, 2, 4]).reshape(q.shape);
}

describeEachBackend('multiHeadSpikingAttention', () => {
  const sizes: [what: string, shape: number[], numHeads: number][] = [
    ['more tokens than channels of a head', [2, 3, 7, 8], 2],
    ['fewer', [2, 3, 3, 20], 4],
    ['as many', [1, 2, 4, 12], 3],
    ['height and width', [2, 2, 3, 5, 8], 2],
    ['one token', [2, 1, 1, 6], 2],
    ['heads of one channel', [1, 2, 5, 3], 3],
    ['one head', [1, 1, 6, 5], 1],
    ['heads of 33 channels', [1, 2, 40, 66], 2],
    ['heads of 33 channels, few tokens', [1, 2, 9, 66], 2],
  ];

  test.each(sizes)('of spikes is the naive loop over each head: %s', (_, shape, numHeads) => {
    tf.tidy(() => {
      const inputs = [1, 2, 3].map((seed) => spikes(shape, seed));
      const [q, k, v] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
      // Not a power of two: what is summed must be whole numbers still.
      const y = multiHeadSpikingAttention(q, k, v, { numHeads, scale: 0.3 });
      expect(y.shape).toEqual(shape);
      const [qs, ks, vs] = inputs.map((x) => split(x, numHeads));
      const sums = naive(qs!, ks!, vs!, 1).map((sum) => Math.fround(sum * Math.fround(0.3)));
      expect(Array.from(split(y, numHeads).dataSync())).toEqual(sums);
    });
  });

  test.each(sizes)('has the gradients of stock operations: %s', (_, shape, numHeads) => {
    tf.tidy(() => {
      const normal = (seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
      const inputs = [4, 5, 6].map(normal);
      const dy = normal(7);
      const attend = (...[q, k, v]: tf.Tensor[]) =>
        multiHeadSpikingAttention(q!, k!, v!, { numHeads });
      const reference = (...[q, k, v]: tf.Tensor[]) => stock(q!, k!, v!, numHeads, 0.125);
      const [q, k, v] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
      expectGradClose(attend(q, k, v), reference(q, k, v), 'y');
      const expected = tf.grads(reference)(inputs, dy);
      tf.grads(attend)(inputs, dy).forEach((gradient, i) => {
        expect(gradient.shape).toEqual(shape);
        expectGradClose(gradient, expected[i]!, `gradient of ${'qkv'[i]}`);
      });
    });
  });

  test('has the gradient of one of them alone, or of one tensor that is all three', () => {
    tf.tidy(() => {
      const [a, b, dy] = [1, 2, 3].map((seed) =>
        tf.randomNormal([1, 2, 5, 6], 0, 1, 'float32', seed),
      ) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const both = (f: (x: tf.Tensor, attend: typeof stock) => tf.Tensor) => {
        const attend: typeof stock = (q, k, v, numHeads, scale) =>
          multiHeadSpikingAttention(q, k, v, { numHeads, scale });
        const [actual, expected] = [attend, stock].map((g) => tf.grad((x) => f(x, g))(a, dy));
        expectGradClose(actual!, expected!);
      };
      both((x, attend) => attend(b, x, b, 2, 0.5));
      both((x, attend) => attend(x, x, x, 2, 0.5));
    });
  });

  test('takes batches of no samples, and leaves nothing behind', async () => {
    const none = tf.zeros([0, 2, 3, 4]);
    expect(multiHeadSpikingAttention(none, none, none, { numHeads: 2 }).shape).toEqual(none.shape);
    const x = spikes([1, 2, 5, 6], 3);
    const attend = (q: tf.Tensor) => multiHeadSpikingAttention(q, x, q, { numHeads: 3 });
    await expectNoLeak(() => tf.grad(attend)(x).dispose());
    await expectNoLeak(() => attend(x).dispose());
    tf.dispose([x, none]);
  });
});
