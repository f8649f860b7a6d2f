/** Convolutions and linear maps of spikes at inference, against their composed form. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { spikeConv2D } from '../../lib/kernels/spike_conv2d';
import { spikeConv2d, spikeLinear } from '../../lib/spike_conv';
import { isRecordingGradients } from '../../lib/tfjs_internals';
import { describeEachBackend, onGPU, repeatably } from '../support/backends';
import { expectForwardClose, expectGradClose } from '../support/compare';
import { expectNoLeak } from '../support/leaks';
import { random, size as sizeOf } from './kernels/wasm_harness';

type Shape4D = [number, number, number, number];

interface Case {
  shape: Shape4D;
  size: number;
  filters: number;
  /** The share of x that is not zero. */
  density: number;
  /** Whether all that is not zero is 1. */
  spikes: boolean;
}

function input({ shape, density, spikes }: Case, seed: number): tf.Tensor4D {
  const where = random(sizeOf(shape), seed + 9, 1);
  const values = random(sizeOf(shape), seed, 4);
  const x = values.map((v, i) => (where[i]! + 0.35 < density ? (spikes ? 1 : v) : 0));
  return tf.tensor4d(x, shape);
}

function parameters({ shape, size, filters }: Case, seed: number) {
  const filterShape: Shape4D = [size, size, shape[3], filters];
  return {
    filter: tf.tensor4d(random(sizeOf(filterShape), seed + 1), filterShape),
    affine: {
      scale: tf.tensor1d(random(filters, seed + 2)),
      shift: tf.tensor1d(random(filters, seed + 3)),
    },
  };
}

/** To rounding: sums of that many numbers, added up in some order. */
function check(each: Case, seed = 1): void {
  tf.tidy(() => {
    const x = input(each, seed);
    const { filter, affine } = parameters(each, seed);
    const actual = spikeConv2d(x, filter, affine);
    const expected = spikeConv2D(x, filter, affine.scale, affine.shift);
    expect(actual.shape).toEqual(expected.shape);
    expectGradClose(actual, expected, 'y', { rel_to_max: 1e-5, atol: 1e-6 });
  });
}

const odd: Case = { shape: [3, 7, 5, 19], size: 3, filters: 37, density: 0.2, spikes: true };

const noImages: [string, Partial<Case>][] = [['no images', { shape: [0, 4, 4, 5] }]];

describeEachBackend('spikeConv2d', (backend) => {
  test('takes any shape, kernel and density', () => {
    const upTo = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(
        fc.record({
          shape: fc.tuple(upTo(3), upTo(9), upTo(9), upTo(70)),
          size: fc.constantFrom(1, 3, 5),
          filters: upTo(70),
          density: fc.constantFrom(0, 0.1, 0.3, 0.9, 1),
          spikes: fc.boolean(),
        }),
        upTo(1e6),
        check,
      ),
      { numRuns: backend === 'tensorflow' || onGPU(backend) ? 30 : 100 },
    );
  });

  test.each<[string, Partial<Case>]>([
    ['more channels than a chunk', { shape: [1, 4, 3, 600] }],
    ['a linear map of many channels', { shape: [70, 1, 1, 1030], size: 1, filters: 40 }],
    ['more filters than are packed side by side', { filters: 300 }],
    ['more pixels than a block', { shape: [1, 40, 33, 8] }],
    ['more rows than a block', { shape: [1100, 1, 1, 20], size: 1 }],
    ['rows wider than a block', { shape: [1, 3, 700, 4] }],
    ['a kernel larger than the image', { shape: [2, 2, 1, 5], size: 7 }],
    // TensorFlow's own convolution of no images has the wrong shape.
    ...(backend === 'tensorflow' ? [] : noImages),
  ])('takes %s', (_, change) => {
    check({ ...odd, ...change });
    check({ ...odd, ...change, spikes: false });
  });

  /** Equal to the bit, but where the composed form runs on products that add up as they like. */
  function expectSame(a: tf.Tensor, b: tf.Tensor): void {
    if (backend === 'tensorflow') expectForwardClose(a, b);
    else expect(Array.from(a.dataSync())).toEqual(Array.from(b.dataSync()));
  }

  test('takes axes before the images', () => {
    tf.tidy(() => {
      const x = tf.randomUniform([2, 3, 5, 4, 8], 0, 1, 'float32', 1).less(0.2).cast('float32');
      const filter = tf.randomNormal<tf.Rank.R4>([3, 3, 8, 37], 0, 1, 'float32', 2);
      const affine = { scale: tf.linspace(1, 2, 37), shift: tf.linspace(-1, 1, 37) };
      const y = spikeConv2d(x, filter, affine);
      expect(y.shape).toEqual([2, 3, 5, 4, 37]);
      const images = spikeConv2d(x.reshape([6, 5, 4, 8]), filter, affine);
      expect(y.dataSync()).toEqual(images.dataSync());
    });
  });

  test('gives a sample the same bits whatever its batch', () => {
    const compare = () => {
      const { filter, affine } = parameters(odd, 1);
      const samples = [0, 0.1, 0.5, 1].map((density, i) =>
        input({ ...odd, shape: [1, 7, 5, 19], density, spikes: i % 2 === 0 }, i),
      );
      const together = spikeConv2d(tf.concat(samples), filter, affine);
      const apart = tf.concat(samples.map((x) => spikeConv2d(x, filter, affine)));
      expectSame(together, apart);

      const rows = samples.map((x) => x.reshape([1, 35, 19]));
      const kernel = filter.slice([1, 1], [1, 1]).reshape<tf.Tensor2D>([19, 37]);
      const map = (x: tf.Tensor) => spikeLinear(x, kernel, affine);
      expectSame(map(tf.concat(rows)), tf.concat(rows.map(map)));
    };
    repeatably(() => tf.tidy(compare));
  });

  test('lets NaN and infinities of the input through', () => {
    tf.tidy(() => {
      const x = tf.tensor4d([NaN, 0, 0, Infinity, 1, 0], [1, 1, 3, 2]);
      const filter = tf.tensor4d([1, -2, 3, -4], [1, 1, 2, 2]);
      const affine = { scale: tf.ones([2]), shift: tf.zeros([2]) };
      const y = Array.from(spikeConv2d(x, filter, affine).dataSync());
      expect(y).toEqual([NaN, NaN, Infinity, -Infinity, 1, -2]);
    });
  });

  test('frees what it makes, and refuses what a kernel would misread', async () => {
    const x = input(odd, 1);
    const { filter, affine } = parameters(odd, 1);
    const kernel = tf.ones<tf.Rank.R2>([19, 4]);
    const small = { scale: tf.ones([4]), shift: tf.ones([4]) };
    spikeConv2d(x, filter, affine).dispose();
    await expectNoLeak(() => {
      spikeConv2d(x, filter, affine).dispose();
      const y = spikeLinear(x, kernel, small);
      expect(y.shape).toEqual([3, 7, 5, 4]);
      y.dispose();
      tf.tidy(() => {
        const whole = x.toInt();
        expect(() => spikeConv2d(whole, filter, affine)).toThrow(
          /x must be of dtype float32, but got 'int32'/,
        );
        const other = tf.ones<tf.Rank.R4>([1, 2, 2, 18]);
        expect(() => spikeConv2d(other, filter, affine)).toThrow(/19 channels/);
        expect(() => spikeLinear(other, kernel, small)).toThrow(/19 channels/);
        expect(() => spikeConv2d(x, filter, small)).toThrow(/scale must be of shape \[37\]/);
      });
    });
    tf.dispose([x, filter, affine.scale, affine.shift, kernel, small.scale, small.shift]);
  });

  test('knows when a gradient is recorded', () => {
    const seen: boolean[] = [];
    const y = (x: tf.Tensor) => {
      seen.push(isRecordingGradients());
      return x.square().asScalar();
    };
    tf.tidy(() => [y(tf.scalar(1)), tf.grad(y)(tf.scalar(1)), y(tf.scalar(1))]);
    expect(seen).toEqual([false, true, false]);
  });
});
