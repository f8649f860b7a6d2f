/** The native ops that skip zeros, against TensorFlow's dense convolutions and products. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { installKernels } from '../../../lib/kernels';
import { tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { multipliesByAmx } from '../../../lib/kernels/tensorflow/native_ops';
import { unpackSpikes } from '../../../lib/kernels/tensorflow/spike_storage';
import {
  mayBeWorthSkipping,
  skippingConv,
  skippingFilterGradient,
} from '../../../lib/kernels/tensorflow/spikes';
import '../../support/backends';
import { expectClose } from '../../support/compare';
import { expectNoLeak } from '../../support/leaks';
import { conv, opsOf, runStock } from '../../support/stock';
import { describeNativeOps } from '../../support/tensorflow';

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

/** Numbers, or with `ones` only spikes, of which that share is not zero. */
function sparse(shape: number[], density: number, ones: boolean, seed: number): tf.Tensor {
  return tf.tidy(() => {
    const where = tf.randomUniform(shape, 0, 1, 'float32', seed).less(density).cast('float32');
    return ones ? where : where.mul(normal(shape, seed + 1));
  });
}

/** Bit by bit, so that -0 is not 0. */
const expectSameBits = (got: tf.Tensor, expected: tf.Tensor) => {
  expect(got.shape).toEqual(expected.shape);
  const bits = (x: tf.Tensor) => new Uint32Array((x.dataSync() as Float32Array).slice().buffer);
  expect(bits(got)).toEqual(bits(expected));
};

const upTo = (max: number) => fc.integer({ min: 1, max });
const cases = {
  filters: upTo(150),
  density: fc.constantFrom(0, 0.05, 0.4, 1),
  ones: fc.boolean(),
  seed: upTo(1e6),
};

describeNativeOps('convolutions that skip zeros', () => {
  const backend = () => tensorflowBackend()!;
  /** Whatever share of x is not zero. */
  const always = { most: 2 };
  const tolerance = { rel_to_max: 1e-5, atol: 1e-6 };
  beforeAll(installKernels);

  test('are convolutions of any shape, and so are the gradients of their filters', () => {
    const shapes = fc.tuple(upTo(5), upTo(40), upTo(40), upTo(70));
    fc.assert(
      fc.property(
        fc.record({ ...cases, shape: shapes, size: fc.constantFrom(1, 3, 5) }),
        ({ shape, size, filters, density, ones, seed }) => {
          tf.tidy(() => {
            const x = sparse(shape, density, ones, seed);
            const filterShape = [size, size, shape[3], filters];
            const filter = normal(filterShape, seed + 2);
            const y = skippingConv(backend(), x, filter, always).y!;
            expectClose(y, runStock('Conv2D', { x, filter }, conv), 'y', tolerance);

            const [scale, shift] = [normal([filters], seed + 3), normal([filters], seed + 4)];
            const scaled = skippingConv(backend(), x, filter, { affine: { scale, shift }, most: 2 })
              .y!;
            expectClose(scaled, y.mul(scale).add(shift), 'scaled', tolerance);

            const dy = normal([...shape.slice(0, 3), filters], seed + 5);
            const dw = skippingFilterGradient(backend(), x, dy, filterShape, 2)!;
            const attrs = { ...conv, filterShape };
            expectClose(dw, runStock('Conv2DBackpropFilter', { x, dy }, attrs), 'dw', tolerance);
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  test('are matrix products, and so are the gradients of their weights', () => {
    fc.assert(
      fc.property(
        fc.record({ ...cases, rows: upTo(1500), channels: upTo(600) }),
        ({ rows, channels, filters, density, ones, seed }) => {
          tf.tidy(() => {
            const a = sparse([rows, channels], density, ones, seed);
            const b = normal([channels, filters], seed + 2);
            const plain = { transposeA: false, transposeB: false };
            const y = skippingConv(backend(), a, b, always).y!;
            expectClose(y, runStock('BatchMatMul', { a, b }, plain), 'y', tolerance);
            const dy = normal([rows, filters], seed + 3);
            const dw = skippingFilterGradient(backend(), a, dy, b.shape, 2)!;
            const attrs = { ...plain, transposeA: true };
            expectClose(dw, runStock('BatchMatMul', { a, b: dy }, attrs), 'dw', tolerance);
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  test.each([
    ['images of many pixels', [1, 70, 90, 8], 3],
    ['images wider than a block', [1, 3, 1500, 4], 3],
    ['more images than a block has', [300, 2, 3, 5], 3],
    ['a kernel larger than the image', [2, 2, 1, 5], 7],
  ])('take %s', (_, shape, size) => {
    tf.tidy(() => {
      const x = sparse(shape, 0.2, true, 1);
      const filter = normal([size, size, shape[3]!, 37], 2);
      const dy = normal([...shape.slice(0, 3), 37], 3);
      const y = skippingConv(backend(), x, filter, always).y!;
      const dw = skippingFilterGradient(backend(), x, dy, filter.shape, 2)!;
      expect(y.shape).toEqual(dy.shape);
      const attrs = { ...conv, filterShape: filter.shape };
      expectClose(y, runStock('Conv2D', { x, filter }, conv), 'y', tolerance);
      expectClose(dw, runStock('Conv2DBackpropFilter', { x, dy }, attrs), 'dw', tolerance);
    });
  });

  test('refuse what does not fit', () => {
    tf.tidy(() => {
      const x = tf.ones([2, 4, 4, 3]);
      const refuse = (shape: number[], pattern: RegExp) =>
        expect(() => skippingConv(backend(), x, tf.ones(shape))).toThrow(pattern);
      refuse([3, 3, 4, 8], /must have x's channels/);
      refuse([2, 2, 3, 8], /an odd number/);
      refuse([3, 5, 3, 8], /as many rows as columns/);
      refuse([3, 3, 8], /must be \[size, size, channels, filters\]/);
      const affine = { scale: tf.ones([7]), shift: tf.ones([8]) };
      expect(() => skippingConv(backend(), x, tf.ones([3, 3, 3, 8]), { affine })).toThrow(
        /scale must have 8 numbers, but has 7/,
      );
      const dy = tf.ones([2, 4, 3, 8]);
      const filterShape = [3, 3, 3, 8];
      expect(() => skippingFilterGradient(backend(), x, dy, filterShape)).toThrow(
        /of the same sides/,
      );
      const turned = tf.ones([2, 2, 8, 8]);
      expect(() => skippingFilterGradient(backend(), x, turned, filterShape)).toThrow(
        /of the same sides/,
      );
      const { words } = skippingConv(backend(), x, tf.ones([3, 3, 3, 8]), { keep: true });
      expect(() =>
        skippingFilterGradient(backend(), words!, tf.ones([4, 4, 8]), filterShape),
      ).toThrow(/words must have 3 numbers, but has 4/);
      expect(() => unpackSpikes(backend(), words!, [97])).toThrow(
        /words must have 5 numbers, but has 4/,
      );
    });
  });

  test('serve stock operations and their gradients, where it is worth it', async () => {
    const x = sparse([8, 16, 16, 32], 0.1, true, 1) as tf.Tensor4D;
    const filter = normal([3, 3, 32, 64], 2) as tf.Tensor4D;
    const rows = x.reshape([-1, 32]) as tf.Tensor2D;
    const weights = normal([32, 64], 3) as tf.Tensor2D;
    const names = await opsOf(backend(), () =>
      expectNoLeak(() =>
        tf.tidy(() => {
          const convolved = (w: tf.Tensor4D) => tf.conv2d(x, w, 1, 'same').square().sum();
          const multiplied = (w: tf.Tensor2D) => tf.matMul(rows, w).square().sum();
          tf.grad((w) => convolved(w as tf.Tensor4D))(filter);
          tf.grad((w) => multiplied(w as tf.Tensor2D))(weights);
        }),
      ),
    );
    const ours = names.filter((name) => /SpikeConv/.test(name));
    expect(ours).toEqual([
      'SpikingformerSpikeConv',
      'SpikingformerSpikeConvFilterGrad',
      'SpikingformerSpikeConv',
      'SpikingformerSpikeConvFilterGrad',
    ]);

    const nan = tf.fill<tf.Rank.R4>([3, 3, 32, 64], NaN);
    // Not hidden by zeros of x: TensorFlow's own convolution serves.
    const zeros = tf.zeros<tf.Rank.R4>(x.shape);
    const poisoned = tf.conv2d(zeros, nan, 1, 'same');
    expect(poisoned.dataSync().every(Number.isNaN)).toBe(true);
    tf.dispose([x, filter, rows, weights, nan, zeros, poisoned]);
  });

  test('are left to dense ops where that is faster, or right', () => {
    tf.tidy(() => {
      const x = sparse([8, 16, 16, 32], 0.1, true, 1);
      const full = tf.ones(x.shape);
      const filter = normal([3, 3, 32, 64], 2);
      const nan = tf.fill([3, 3, 32, 64], NaN);
      expect(mayBeWorthSkipping(x, 64, 3)).toBe(true);
      expect(mayBeWorthSkipping(x, 8, 3)).toBe(false);
      expect(skippingConv(backend(), x, filter).y).not.toBeNull();
      // AMX takes spikes of any density: in products, if it is asked for.
      const [product, dense] = [false, true].map((of) =>
        multipliesByAmx(of) ? ('toBeTruthy' as const) : ('toBeNull' as const),
      );
      expect(skippingConv(backend(), full, filter).y)[product!]();
      expect(skippingConv(backend(), full.mul(2), filter).y).toBeNull();
      expect(skippingConv(backend(), x, nan).y).toBeNull();
      const dy = normal([8, 16, 16, 64], 3);
      const infinite = dy.mul(tf.tensor([...Array(63).fill(1), Infinity]));
      const kept = (numbers: tf.Tensor) =>
        skippingConv(backend(), numbers, filter, { keep: true }).words!;
      for (const form of [(numbers: tf.Tensor) => numbers, kept]) {
        const gradient = (numbers: tf.Tensor, of: tf.Tensor) =>
          skippingFilterGradient(backend(), form(numbers), of, filter.shape);
        expect(gradient(x, dy)).not.toBeNull();
        expect(gradient(full, dy))[dense!]();
        expect(gradient(full, infinite)).toBeNull();
        expect(gradient(x, infinite)).toBeNull();
      }
    });
  });

  test('give the same bits of spikes as bits, which come back as they were', () => {
    const shapes = fc.tuple(upTo(4), upTo(12), upTo(12), upTo(70));
    fc.assert(
      fc.property(
        fc.record({ ...cases, shape: shapes, size: fc.constantFrom(1, 3, 5) }),
        ({ shape, size, filters, density, seed }) => {
          tf.tidy(() => {
            const channels = shape[3];
            const x = sparse(shape, density, true, seed);
            const filter = normal([size, size, channels, filters], seed + 2);
            const dy = normal([...shape.slice(0, 3), filters], seed + 3);
            const { y, words } = skippingConv(backend(), x, filter, { ...always, keep: true });
            expect(words!.size).toBe(Math.ceil(x.size / 32) + 1);
            expectSameBits(unpackSpikes(backend(), words!, x.shape), x);
            expectSameBits(y!, skippingConv(backend(), x, filter, always).y!);
            const gradient = (of: tf.Tensor) =>
              skippingFilterGradient(backend(), of, dy, filter.shape, 2)!;
            expectSameBits(gradient(words!), gradient(x));
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each([2, 0.5, -1, -0, NaN, Infinity])('keep no bits if a number is %d', (other) => {
    tf.tidy(() => {
      const matrix = normal([40, 33], 2);
      for (const place of [0, 3999]) {
        const numbers = tf.buffer([100, 40]);
        numbers.set(other, Math.floor(place / 40), place % 40);
        const { words } = skippingConv(backend(), numbers.toTensor(), matrix, { keep: true });
        expect(words).toBeNull();
      }
    });
  });
});
