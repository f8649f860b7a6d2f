/** The native op for the gradient of a 3x3 convolution's input by Winograd's algorithm, against the definition. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { variableGradsIn } from '../../../lib/gradient_precision';
import { installKernels, runKernel } from '../../../lib/kernels';
import { runSpikeProduct } from '../../../lib/kernels/spike_product';
import { tensorflowBackend } from '../../../lib/kernels/tensorflow/backend';
import { whyNoBfloat16 } from '../../../lib/kernels/tensorflow/bfloat16';
import { multipliesByAmx } from '../../../lib/kernels/tensorflow/native_ops';
import { isWorthWinograd, winogradInputGradient } from '../../../lib/kernels/tensorflow/winograd';
import 'tfjs-spikingformer';
import '../../support/backends';
import { expectClose, expectSameNumbers } from '../../support/compare';
import { type Conv3x3, inputGradient, WINOGRAD_ERROR } from '../../support/convolution';
import { conv, opsOf, stockGradients } from '../../support/stock';
import { describeNativeOps } from '../../support/tensorflow';

const OP = 'SpikingformerWinogradInputGrad';
const backend = () => tensorflowBackend()!;
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const op = (dy: tf.Tensor, filter: tf.Tensor) => winogradInputGradient(backend(), dy, filter);
const data = (x: tf.Tensor) => x.dataSync() as Float32Array;

function expectGradient([batch, height, width]: number[], channels: number, filters: number) {
  const dy = normal([batch!, height!, width!, filters], 1);
  const filter = normal([3, 3, channels, filters], 2);
  const shape: Conv3x3['shape'] = [batch!, height!, width!, channels];
  const c = { shape, filters, padTop: 1, padLeft: 1 };
  const { dx, size } = inputGradient(c, data(dy), data(filter));
  const got = op(dy, filter)!;
  expectClose(got, { shape, data: Float32Array.from(dx) }, 'dx', { atol: WINOGRAD_ERROR * size });
}

describeNativeOps('input gradients of 3x3 convolutions', () => {
  beforeAll(installKernels);

  test('are right for any shape', () => {
    const upTo = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(
        fc.tuple(upTo(5), upTo(14), upTo(14)),
        upTo(70),
        // As WINOGRAD_ERROR is for; of fewer, kernels take TensorFlow's op.
        fc.integer({ min: 16, max: 70 }),
        (sides, channels, filters) => tf.tidy(() => expectGradient(sides, channels, filters)),
      ),
      { numRuns: 40 },
    );
  });

  test('take several blocks of tiles, and of filters', () => {
    tf.tidy(() => expectGradient([9, 18, 16], 40, 300));
    tf.tidy(() => expectGradient([40, 16, 16], 16, 16));
  });

  test('are the same for a sample in any batch', () => {
    tf.tidy(() => {
      const [dy, filter] = [normal([5, 8, 8, 24], 1), normal([3, 3, 20, 24], 2)];
      const once = op(dy, filter)!;
      const many = op(tf.concat(Array(15).fill(dy)), filter)!;
      tf.split(many, 15).forEach((each) => {
        expectSameNumbers(each, once, 'dx');
      });
    });
  });

  test('are those of TensorFlow if one is not finite, and have NaN where they belong', () => {
    tf.tidy(() => {
      const [x, filter] = [tf.zeros([5, 8, 8, 20]), normal([3, 3, 20, 24], 2)];
      const numbers = normal([5, 8, 8, 24], 3).bufferSync();
      numbers.set(Infinity, 0, 0, 0, 1);
      numbers.set(NaN, 4, 7, 5, 23);
      const dy = numbers.toTensor();
      expect(op(dy, filter)).toBeNull();
      const attrs = { ...conv, inputShape: x.shape };
      const dx = runKernel<tf.Tensor>(tf.Conv2DBackpropInput, { dy, filter }, attrs);
      expectSameNumbers(dx, stockGradients(x, filter, dy).dx, 'dx');
      // Four pixels at a corner, and six at an edge.
      expect(dx.isFinite().logicalNot().sum().dataSync()[0]).toBe((4 + 6) * 20);
    });
  });

  test('do not overflow before their sums do', () => {
    tf.tidy(() => {
      const dy = normal([5, 8, 8, 24], 1).sign().mul(3e38);
      const filter = normal([3, 3, 20, 24], 2).div(500);
      const c: Conv3x3 = { shape: [5, 8, 8, 20], filters: 24, padTop: 1, padLeft: 1 };
      const attrs = { ...conv, inputShape: c.shape };
      const dx = runKernel<tf.Tensor>(tf.Conv2DBackpropInput, { dy, filter }, attrs);
      const expected = Float32Array.from(inputGradient(c, data(dy), data(filter)).dx);
      expectClose(dx, { shape: c.shape, data: expected }, 'dx', { atol: 0, rel_to_max: 1e-5 });
    });
  });

  test('are the op in training, of stock layers and of products of spikes, unless in bfloat16', async () => {
    const x = tf.variable(normal([16, 8, 8, 32], 1));
    const filter = tf.variable(normal([3, 3, 32, 64], 2));
    const ways = {
      stock: () =>
        tf.conv2d(x as tf.Variable<tf.Rank.R4>, filter as tf.Variable<tf.Rank.R4>, 1, 'same'),
      spikes: () => runSpikeProduct(x, filter),
    };
    const precisions = (['float32', 'bfloat16'] as const).filter(
      (precision) => precision === 'float32' || !whyNoBfloat16(),
    );
    for (const [way, product] of Object.entries(ways)) {
      for (const precision of precisions) {
        const names = await opsOf(backend(), () =>
          tf.tidy(() => {
            variableGradsIn(precision, () => product().square().sum() as tf.Scalar, [x, filter]);
          }),
        );
        const byAmx = way === 'spikes' && multipliesByAmx(false);
        expect(names.includes(OP)).toBe(precision === 'float32' && !byAmx);
      }
    }
    tf.dispose([x, filter]);
  });

  test('are not worth it for few tiles or channels, small images, other filters', () => {
    const worth = (images: number, side: number, channels: number, filters: number, size = 3) =>
      isWorthWinograd([images, side, side, filters], [size, size, channels, filters]);
    expect(worth(5, 8, 20, 24)).toBe(true);
    expect(worth(5, 8, 20, 15)).toBe(false);
    expect(worth(5, 8, 15, 24)).toBe(false);
    expect(worth(4, 8, 128, 256)).toBe(false);
    expect(worth(8, 8, 128, 256)).toBe(true);
    expect(worth(50, 2, 20, 24)).toBe(false);
    expect(worth(5, 8, 20, 24, 5)).toBe(false);
  });

  test('take no pixels', () => {
    tf.tidy(() => {
      for (const sides of [
        [0, 4, 4],
        [2, 0, 4],
        [2, 4, 0],
      ]) {
        expect(op(tf.zeros([...sides, 32]), normal([3, 3, 16, 32], 1))!.shape).toEqual([
          ...sides,
          16,
        ]);
      }
    });
  });

  test('refuse what does not fit', () => {
    const message =
      /dy must be \[\.\.\., height, width, filters\], and filter \[3, 3, channels, filters\]/;
    tf.tidy(() => {
      expect(() => op(tf.ones([4, 4, 32]), tf.ones([3, 3, 16, 31]))).toThrow(message);
      expect(() => op(tf.ones([4, 4, 32]), tf.ones([5, 5, 16, 32]))).toThrow(message);
      expect(() => op(tf.ones([4, 32]), tf.ones([3, 3, 16, 32]))).toThrow(message);
    });
  });
});
