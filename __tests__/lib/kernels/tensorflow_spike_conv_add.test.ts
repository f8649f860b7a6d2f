/** Products of spikes that take a batch norm, and a sum, with them: against the operations one after the other. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { installKernels, runKernel, scaleAndShift } from '../../../lib/kernels';
import type { ChannelAffine } from '../../../lib/kernels/batch_norm_affine';
import { SpikeConv2D, SpikeConv2DAdd } from '../../../lib/kernels/spike_conv2d';
import { tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { skippingConv, skippingConvLIF } from '../../../lib/kernels/tensorflow/spikes';
import { resolveLIF } from '../../../lib/neuron_params';
import { spikeConv2d, spikeLinear } from '../../../lib/spike_conv';
import '../../support/backends';
import { anySizes } from '../../support/kernels';
import { expectNoLeak } from '../../support/leaks';
import { describeNativeOps } from '../../support/tensorflow';

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

/** A frozen batch norm of so many channels. */
function normOf(
  channels: number,
  hasBias: boolean,
  seed: number,
): ChannelAffine & { norm: object } {
  const [gamma, beta, mean, bias] = [0, 1, 2, 3].map((i) => normal([channels], seed + i));
  const variance = normal([channels], seed + 4).square();
  const norm = { gamma: gamma!, beta: beta!, mean: mean!, variance, ...(hasBias && { bias }) };
  return { norm, epsilon: 1e-5 };
}

describeNativeOps('products of spikes with a batch norm and a sum', () => {
  const backend = () => tensorflowBackend()!;
  beforeAll(installKernels);

  /** Spikes, or, with `real`, other numbers; a matrix for size 0. */
  function example(shape: number[], size: number, filters: number, density: number, real = false) {
    const spikes = tf.randomUniform(shape, 0, 1, 'float32', 1).less(density).cast('float32');
    const channels = shape.at(-1)!;
    const filterShape = size === 0 ? [channels, filters] : [size, size, channels, filters];
    const x = real ? spikes.mul(0.7) : spikes;
    return {
      x,
      filter: normal(filterShape, 2),
      addend: normal([...shape.slice(0, -1), filters], 3),
    };
  }

  test('are the same bits as their operations, of images and tokens of any size', () => {
    const sizes = fc.record({
      sides: anySizes(3, 4, 9, 9, 40),
      size: fc.constantFrom(0, 1, 3, 5),
      filters: fc.integer({ min: 1, max: 150 }),
      density: fc.constantFrom(0, 0.05, 0.3, 1),
      real: fc.boolean(),
      hasBias: fc.boolean(),
    });
    fc.assert(
      fc.property(sizes, ({ sides, size, filters, density, real, hasBias }) => {
        tf.tidy(() => {
          const { x, filter, addend } = example(sides, size, filters, density, real);
          const affine = normOf(filters, hasBias, 10);
          const two = scaleAndShift(affine);
          const always = { most: 2 };
          const [y, normed, sum, sumOfTwo] = [
            { affine: two },
            { affine },
            { affine, addend },
            { affine: two, addend },
          ].map((given) => skippingConv(backend(), x, filter, { ...always, ...given }).y!);
          expect(normed!.dataSync()).toEqual(y!.dataSync());
          const expected = addend.add(y!);
          expect(sum!.shape).toEqual(expected.shape);
          expect(sum!.dataSync()).toEqual(expected.dataSync());
          expect(sumOfTwo!.dataSync()).toEqual(expected.dataSync());
        });
      }),
      { numRuns: 30 },
    );
  });

  test('fire as neurons behind the scale and shift of that norm', () => {
    tf.tidy(() => {
      for (const hasBias of [false, true]) {
        const { x, filter } = example([2, 4, 8, 8, 24], 3, 40, 0.3);
        const affine = normOf(40, hasBias, 20);
        const attrs = { ...resolveLIF(), epsilon: 1e-5 };
        const [fired, expected] = [affine.norm as object, scaleAndShift(affine)].map(
          (inputs) => skippingConvLIF(backend(), { x, filter, ...inputs }, attrs, 2)!,
        );
        expect(expected!.sum().dataSync()[0]).toBeGreaterThan(0);
        expect(fired!.dataSync()).toEqual(expected!.dataSync());
      }
    });
  });

  test('are a dense product, a norm and a sum if x has few zeros, or a weight is infinite', async () => {
    const { x, filter, addend } = example([2, 4, 8, 8, 32], 3, 64, 0.2);
    const affine = normOf(64, true, 30);
    const isOne = async (change: { x?: tf.Tensor; filter?: tf.Tensor }) => {
      const given = { x, filter, ...change };
      const filters = given.filter as tf.Tensor4D;
      let sum!: tf.Tensor;
      const { kernelNames } = await tf.profile(() => {
        sum = spikeConv2d(given.x, filters, affine, addend);
        return sum;
      });
      const y = runKernel<tf.Tensor>(SpikeConv2D, { ...given, ...scaleAndShift(affine) }, {});
      expect(sum.dataSync()).toEqual(addend.add(y).dataSync());
      return !kernelNames.includes('Add');
    };
    expect(await isOne({})).toBe(true);
    expect(await isOne({ x: tf.fill(x.shape, 0.5) })).toBe(false);
    expect(await isOne({ filter: filter.div(0) })).toBe(false);
  });

  test('are what spikeLinear runs with an addend, refuse another shape, and leave nothing behind', async () => {
    const { x, filter, addend } = example([2, 4, 64, 32], 0, 64, 0.2);
    const affine = normOf(64, true, 40);
    const matrix = filter as tf.Tensor2D;
    const { kernelNames } = await tf.profile(() => spikeLinear(x, matrix, affine, addend));
    expect(kernelNames).toContain(SpikeConv2DAdd);
    await expectNoLeak(() => spikeLinear(x, matrix, affine, addend).dispose());
    expect(() => spikeLinear(x, matrix, affine, tf.ones([2, 4, 1, 64]))).toThrow(
      'addend must be of shape [2,4,64,64], but got [2,4,1,64]',
    );
    expect(() => spikeLinear(x, matrix, normOf(63, true, 40))).toThrow(
      'gamma must be of shape [64], but got [63]',
    );
    expect(() => skippingConv(backend(), x, filter, { affine, addend: tf.ones([3]) })).toThrow(
      'addend must have 32768 numbers, but has 3',
    );
  });
});
