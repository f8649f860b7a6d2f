/** Gradients of inputs in bfloat16, against TensorFlow's float32 products of rounded factors. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {
  gradientsInBfloat16,
  type Precision,
  variableGradsIn,
} from '../../../lib/gradient_precision';
import { installKernels } from '../../../lib/kernels';
import { opAttrs, tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { runInBfloat16 } from '../../../lib/kernels/tensorflow/bfloat16';
import '../../support/backends';
import { checkPrecision } from '../../../training/precision';
import { roundedTensor } from '../../support/bfloat16';
import { expectSameNumbers } from '../../support/compare';
import { expectNoLeak } from '../../support/leaks';
import { describeBfloat16, describeNativeOps } from '../../support/tensorflow';

type Product = (x: tf.Tensor) => tf.Tensor;

/** The gradient with respect to x, of which each output's gradient is `dy`. */
function gradientOf(product: Product, x: tf.Tensor, dy: tf.Tensor, precision: Precision) {
  return tf.tidy(() => {
    const input = tf.variable(x);
    const loss = () => product(input).mul(dy).sum() as tf.Scalar;
    const { grads } = variableGradsIn(precision, loss, [input]);
    input.dispose();
    return grads[input.name]!;
  });
}

/** In bfloat16, as it is and within rounding of the float32 gradient of the rounded factors. */
function expectRoundedGradient(
  product: (filter: tf.Tensor) => Product,
  filter: tf.Tensor,
  x: tf.Tensor,
  seed: number,
): void {
  const dy = tf.randomNormal(product(filter)(x).shape, 0, 1, 'float32', seed);
  const got = gradientOf(product(filter), x, dy, 'bfloat16');
  const expected = gradientOf(product(roundedTensor(filter)), x, roundedTensor(dy), 'float32');
  const numbers = expected.dataSync<'float32'>();
  const largest = numbers.reduce((most, n) => Math.max(most, Math.abs(n)), 0);
  expect(got.shape).toEqual(x.shape);
  expectSameNumbers(got, roundedTensor(got), 'a gradient that is a bfloat16');
  got.dataSync().forEach((value, i) => {
    const bound = Math.abs(numbers[i]!) * 2 ** -8 + largest * 1e-5;
    if (!(Math.abs(value - numbers[i]!) <= bound)) {
      throw new Error(`the gradient at ${i} is ${value}, expected ${numbers[i]} within ${bound}`);
    }
  });
}

const upTo = (max: number) => fc.integer({ min: 1, max });
const fromFive = fc.integer({ min: 5, max: 12 });
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

describeBfloat16('gradients of inputs in bfloat16', () => {
  beforeAll(installKernels);

  test('are those of rounded factors: convolutions of any shape, stride and padding', () => {
    const sizes = fc.record({
      shape: fc.tuple(upTo(3), fromFive, fromFive, upTo(70)),
      size: fc.constantFrom(1, 3, 5),
      filters: upTo(70),
      strides: fc.constantFrom(1, 2),
      pad: fc.constantFrom('same' as const, 'valid' as const),
      seed: upTo(1e6),
    });
    fc.assert(
      fc.property(sizes, ({ shape, size, filters, strides, pad, seed }) => {
        tf.tidy(() => {
          const filter = normal([size, size, shape[3], filters], seed);
          const product = (w: tf.Tensor) => (x: tf.Tensor) =>
            tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
          expectRoundedGradient(product, filter, normal(shape, seed + 1), seed + 2);
        });
      }),
      { numRuns: 25 },
    );
  });

  test('are those of rounded factors: matrix products', () => {
    const sizes = fc.record({ rows: upTo(70), from: upTo(150), to: upTo(150), seed: upTo(1e6) });
    fc.assert(
      fc.property(sizes, ({ rows, from, to, seed }) => {
        tf.tidy(() => {
          const product = (w: tf.Tensor) => (x: tf.Tensor) => tf.matMul(x, w);
          expectRoundedGradient(
            product,
            normal([from, to], seed),
            normal([rows, from], seed + 1),
            seed + 2,
          );
        });
      }),
      { numRuns: 25 },
    );
  });

  const ulp = 2 ** -7; // of bfloat16 at 1
  test('are rounded to the nearest, ties to even; NaN and infinities pass', () => {
    const pairs: [number, number][] = [
      [1 + ulp / 2, 1],
      [1 + ulp / 2 + 2 ** -20, 1 + ulp],
      [1 + (3 * ulp) / 2, 1 + 2 * ulp],
      [-1 - ulp / 2, -1],
      [1 + ulp / 2 - 2 ** -20, 1],
      [2 ** -120 * (1 + ulp / 4), 2 ** -120],
      [3.4028234663852886e38, Infinity],
      [Infinity, Infinity],
      [-Infinity, -Infinity],
      [Number.NaN, Number.NaN],
      [0, 0],
    ];
    tf.tidy(() => {
      const [one, x] = [tf.ones([1, 1]), tf.zeros([pairs.length, 1])];
      const dy = tf.tensor2d(pairs.map(([number]) => [number]));
      const got = gradientOf((input) => tf.matMul(input, one), x, dy, 'bfloat16');
      expect(Array.from(got.dataSync())).toEqual(pairs.map(([, expected]) => expected));
    });
  });

  test('of nothing are empty', () => {
    tf.tidy(() => {
      const w = tf.ones([3, 5]);
      const got = gradientOf(
        (x) => tf.matMul(x, w),
        tf.zeros([0, 3]),
        tf.zeros([0, 5]),
        'bfloat16',
      );
      expect(got.shape).toEqual([0, 3]);
    });
  });

  test('with numeric padding are in float32, since TensorFlow would round its sums', () => {
    tf.tidy(() => {
      const [x, dy] = [normal([2, 7, 7, 5], 1), normal([2, 4, 4, 6], 2)];
      const filter = normal([3, 3, 5, 6], 3);
      const conv: Product = (input) => tf.conv2d(input as tf.Tensor4D, filter as tf.Tensor4D, 2, 1);
      const [got, expected] = [
        gradientOf(conv, x, dy, 'bfloat16'),
        gradientOf(conv, x, dy, 'float32'),
      ];
      expectSameNumbers(got, expected, 'the gradient');
    });
  });

  test('leave the forward pass, and the gradients of weights, in float32', () => {
    tf.tidy(() => {
      const [x, w] = [normal([40, 30], 1), normal([20, 30], 2)];
      const expected = tf.matMul(x, w, false, true);
      const [input, weight] = [tf.variable(x), tf.variable(w.transpose())];
      const of = (precision: Precision) => {
        let forward: tf.Tensor | undefined;
        const loss = () => {
          forward = tf.keep(tf.matMul(input, weight.transpose(), false, true));
          return tf.matMul(input, weight).square().sum() as tf.Scalar;
        };
        const { value, grads } = variableGradsIn(precision, loss, [input, weight]);
        return { value, forward: forward!, grads };
      };
      const [float32, bfloat16] = [of('float32'), of('bfloat16')];
      expectSameNumbers(bfloat16.forward, expected, 'a transposed product');
      expectSameNumbers(bfloat16.value, float32.value, 'the loss');
      const ofWeights = [bfloat16, float32].map(({ grads }) => grads[weight.name]!);
      expectSameNumbers(ofWeights[0]!, ofWeights[1]!, "the weights' gradient");
      const ofInputs = [bfloat16, float32].map(({ grads }) => grads[input.name]!.dataSync());
      expect(ofInputs[0]).not.toEqual(ofInputs[1]);
      tf.dispose([input, weight, float32.forward, bfloat16.forward]);
    });
  });

  test('end with the backward pass, even if it fails', () => {
    const x = tf.variable(tf.ones([2, 2]));
    const failing = (when: 'forward' | 'backward') => () => {
      const step = tf.customGrad((input) => ({
        value: tf.sum(input as tf.Tensor),
        gradFunc: () => {
          expect(gradientsInBfloat16()).toBe(true);
          throw new Error('backward');
        },
      }));
      if (when === 'forward') throw new Error('forward');
      return step(x) as tf.Scalar;
    };
    for (const when of ['forward', 'backward'] as const) {
      expect(() => variableGradsIn('bfloat16', failing(when), [x])).toThrow(when);
      expect(gradientsInBfloat16()).toBe(false);
    }
    x.dispose();
  });

  test("free their tensors, TensorFlow's own ones too", async () => {
    const backend = tensorflowBackend()!;
    const alive = new Set<number>();
    const binding = Object.create(backend.binding, {
      executeOp: {
        value: (...args: Parameters<typeof backend.binding.executeOp>) => {
          const made = backend.binding.executeOp(...args);
          for (const { id } of made) alive.add(id);
          return made;
        },
      },
      deleteTensor: {
        value: (id: number) => {
          alive.delete(id);
          backend.binding.deleteTensor(id);
        },
      },
    });
    const watched = Object.create(backend, { binding: { value: binding } });
    const [a, b, other] = [normal([8, 8], 1), normal([8, 8], 2), normal([3, 3], 3)];
    const attrs = (T: number) =>
      opAttrs(backend, { bools: { transpose_a: false, transpose_b: true }, types: { T } });
    const run = (...factors: tf.Tensor[]) => runInBfloat16(watched, 'MatMul', attrs, factors);
    await expectNoLeak(() => run(a, b).dispose());
    expect(alive.size).toBe(1); // the result, which the backend itself has freed
    alive.clear();
    await expectNoLeak(() => expect(() => run(a, other)).toThrow(/Matrix size-incompatible/));
    expect(alive.size).toBe(0);
    tf.dispose([a, b, other]);
  });
});

// As scripts/ci_tensorflow.sh runs this file.
const most = process.env.SPIKINGFORMER_INSTRUCTION_SET ?? 'avx512';
describeNativeOps('an instruction set without bfloat16', () => {
  (/^(avx512|amx)$/.test(most) ? test.skip : test)('refuses it, named', () => {
    expect(() => checkPrecision('bfloat16')).toThrow(
      `but the native ops use ${most}, the most that this processor has or SPIKINGFORMER_INSTRUCTION_SET allows`,
    );
  });
});
