/** The native ops that multiply by AMX, against TensorFlow's products of the same factors. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { variableGradsIn } from '../../../lib/gradient_precision';
import { installKernels } from '../../../lib/kernels';
import { runSpikeProduct } from '../../../lib/kernels/spike_product';
import { opAttrs, tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { multipliesByAmx } from '../../../lib/kernels/tensorflow/native_ops';
import { skippingConv, skippingFilterGradient } from '../../../lib/kernels/tensorflow/spikes';
import 'tfjs-spikingformer';
import '../../support/backends';
import { roundedTensor } from '../../support/bfloat16';
import { expectClose } from '../../support/compare';
import { opsOf, stockGradients } from '../../support/stock';
import { describeAmx } from '../../support/tensorflow';

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const spikes = (shape: number[], density: number, seed: number) =>
  tf.randomUniform(shape, 0, 1, 'float32', seed).less(density).cast('float32');

const backend = () => tensorflowBackend()!;

function inputGradient(dy: tf.Tensor, filter: tf.Tensor, rounded: boolean): tf.Tensor {
  const attrs = opAttrs(backend(), { bools: { rounded } });
  const op = 'SpikingformerProductInputGrad';
  return backend().executeMultipleOutputs(op, attrs, [dy, filter], 1)[0]!;
}

function filterGradient(x: tf.Tensor, dy: tf.Tensor, filterShape: number[], rounded: boolean) {
  const attrs = opAttrs(backend(), {
    ints: { size: filterShape.length === 2 ? 1 : filterShape[0]!, channels: filterShape.at(-2)! },
    floats: { most: 2 },
    bools: { matrix: filterShape.length === 2, rounded },
  });
  const op = 'SpikingformerSpikeConvFilterGrad';
  return backend().executeMultipleOutputs(op, attrs, [x, dy], 1)[0]!;
}

const upTo = (max: number) => fc.integer({ min: 1, max });
const sixteens = (most: number) => upTo(most).map((n) => 16 * n);
/** Images for a filter, or rows for a matrix. */
const cases = fc.record({
  sides: fc.oneof(
    fc.tuple(upTo(5), upTo(40), fc.oneof(upTo(40), fc.constantFrom(16, 32))),
    upTo(1500).map((rows) => [rows]),
  ),
  size: fc.constantFrom(1, 3, 5),
  channels: sixteens(6),
  filters: sixteens(6),
  density: fc.constantFrom(0, 0.05, 0.4, 1),
  seed: upTo(1e6),
});

describeAmx('products by AMX', () => {
  const tolerance = { rel_to_max: 1e-5, atol: 1e-6 };
  /** In float32 only if the run asks for it, as one in scripts/ci_tensorflow.sh does. */
  const ways = [true, false].filter(multipliesByAmx);
  beforeAll(installKernels);

  test.each(ways.map((rounded) => [rounded ? 'rounded to bfloat16' : 'in float32', rounded]))(
    'are the gradients of products of spikes, of numbers %s',
    (_, rounded) => {
      fc.assert(
        fc.property(cases, ({ sides, size, channels, filters, density, seed }) => {
          tf.tidy(() => {
            const taps = sides.length === 3 ? [size, size] : [];
            const x = spikes([...sides, channels], density, seed);
            const filter = normal([...taps, channels, filters], seed + 1);
            const dy = normal([...sides, filters], seed + 2);
            const [a, b] = rounded ? [roundedTensor(filter), roundedTensor(dy)] : [filter, dy];
            const expected = stockGradients(x, a, b);
            const dw = filterGradient(x, dy, filter.shape, rounded as boolean);
            expectClose(
              inputGradient(dy, filter, rounded as boolean),
              expected.dx,
              'dx',
              tolerance,
            );
            expectClose(dw, expected.dw, 'dw', tolerance);
          });
        }),
        { numRuns: 25 },
      );
    },
  );

  test('are sums of float32 as exact as float32, of numbers of any size', () => {
    if (!multipliesByAmx(false)) return expect(ways).toEqual([true]);
    for (const scale of [1, 2 ** 60, 2 ** -60]) {
      tf.tidy(() => {
        const [rows, channels, filters] = [64, 48, 512];
        const dy = normal([rows, filters], 1).mul(scale);
        const filter = normal([channels, filters], 2);
        const got = inputGradient(dy, filter, false).dataSync();
        const [a, b] = [dy.dataSync(), filter.dataSync()];
        for (let i = 0; i < rows * channels; i++) {
          let [sum, sizes] = [0, 0];
          for (let k = 0; k < filters; k++) {
            const product =
              a[Math.floor(i / channels) * filters + k]! * b[(i % channels) * filters + k]!;
            sum += product;
            sizes += Math.abs(product);
          }
          expect(Math.abs(got[i]! - sum)).toBeLessThanOrEqual(2 ** -22 * sizes);
        }
      });
    }
  });

  test('spread what is not finite as NaN, and no further', () => {
    tf.tidy(() => {
      const x = spikes([2, 8, 8, 32], 0.3, 1);
      const filter = normal([3, 3, 32, 48], 2);
      for (const bad of [Infinity, -Infinity, NaN]) {
        const numbers = normal([2, 8, 8, 48], 3).bufferSync();
        numbers.set(bad, 1, 4, 4, 17);
        const dy = numbers.toTensor();
        for (const rounded of ways) {
          const dx = inputGradient(dy, filter, rounded);
          const near = tf.range(0, 8).sub(4).abs().lessEqual(1);
          const reached = near.reshape([8, 1, 1]).logicalAnd(near.reshape([1, 8, 1]));
          const expected = tf.stack([tf.zerosLike(reached), reached]).tile([1, 1, 1, 32]);
          expect(dx.isFinite().dataSync()).toEqual(expected.logicalNot().dataSync());
          const dw = filterGradient(x, dy, filter.shape, rounded);
          if (!rounded) {
            expect(dw.size).toBe(0); // left to a dense product
            continue;
          }
          const columns = dw.isFinite().reshape([-1, 48]).all(0).dataSync();
          expect([...columns].flatMap((finite, i) => (finite ? [] : [i]))).toEqual([17]);
        }
      }
    });
  });

  test('are gradients in float32 of filters of spikes whose zeros are too few to be skipped', () => {
    for (const [shape, filterShape] of [
      [
        [4, 16, 16, 32],
        [3, 3, 32, 64],
      ],
      [
        [4096, 64],
        [64, 48],
      ],
    ] as const) {
      tf.tidy(() => {
        const x = spikes([...shape], 0.8, 1);
        const filter = normal([...filterShape], 2);
        const dy = normal([...shape.slice(0, -1), filterShape.at(-1)!], 3);
        const expected = stockGradients(x, filter, dy);
        const { words } = skippingConv(backend(), x, filter, { keep: true });
        const dw = skippingFilterGradient(backend(), words!, dy, filter.shape);
        expectClose(dw!, expected.dw, 'dw', tolerance);
      });
    }
  });

  test('serve the backward pass of a trainer in bfloat16', async () => {
    const x = tf.variable(spikes([4, 16, 16, 32], 0.2, 1));
    const filter = tf.variable(normal([3, 3, 32, 64], 2));
    const names = await opsOf(backend(), () =>
      tf.tidy(() => {
        const dy = normal([4, 16, 16, 64], 3);
        const loss = () => runSpikeProduct(x, filter).mul(dy).sum() as tf.Scalar;
        const { grads } = variableGradsIn('bfloat16', loss, [x, filter]);
        const [a, b] = [roundedTensor(filter), roundedTensor(dy)];
        const expected = stockGradients(x, a, b);
        expectClose(grads[x.name]!, expected.dx, 'dx', tolerance);
        expectClose(grads[filter.name]!, expected.dw, 'dw', tolerance);
      }),
    );
    tf.dispose([x, filter]);
    expect(names).toContain('SpikingformerProductInputGrad');
    expect(names).toContain('SpikingformerSpikeBitsFilterGrad');
  });

  test('take no pixels', () => {
    tf.tidy(() => {
      for (const shape of [[0], [0, 4, 4], [2, 0, 4], [2, 4, 0]]) {
        const taps = shape.length === 3 ? [3, 3] : [];
        const dx = inputGradient(tf.zeros([...shape, 32]), normal([...taps, 16, 32], 1), true);
        expect(dx.shape).toEqual([...shape, 16]);
        const dw = filterGradient(
          tf.zeros([...shape, 16]),
          tf.zeros([...shape, 32]),
          [...taps, 16, 32],
          true,
        );
        expect(dw.shape).toEqual([...taps, 16, 32]);
        expect(dw.dataSync().every((number) => number === 0)).toBe(true);
      }
    });
  });

  test('refuse what does not fit', () => {
    tf.tidy(() => {
      const refuse = (dy: number[], filter: number[], pattern: RegExp) =>
        expect(() => inputGradient(tf.ones(dy), tf.ones(filter), true)).toThrow(pattern);
      refuse([4, 4, 32], [3, 3, 32], /must be \[size, size, channels, filters\]/);
      refuse([4, 4, 32], [3, 3, 32, 16], /must have dy's filters/);
      refuse([4, 4, 32], [2, 2, 16, 32], /an odd number/);
      refuse([4, 32], [8, 32], /needs AMX, and channels and filters in sixteens/);
    });
  });
});
