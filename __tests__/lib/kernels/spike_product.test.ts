/** Products of spikes in training, against the stock operations, on every backend. */
import * as tf from '@tensorflow/tfjs';
import 'tfjs-spikingformer';
import { runSpikeProduct } from '../../../lib/kernels';
import { stockProduct } from '../../../lib/kernels/spike_product';
import { describeEachBackend } from '../../support/backends';
import { expectClose } from '../../support/compare';
import { expectNoLeak } from '../../support/leaks';

const tolerance = { rel_to_max: 1e-5, atol: 1e-6 };
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const spikes = (shape: number[], share: number) =>
  tf.tidy(() => tf.randomUniform(shape, 0, 1, 'float32', 1).less(share).cast('float32'));

const kinds: Record<string, (shape: number[]) => tf.Tensor> = {
  'few spikes': (shape) => spikes(shape, 0.1),
  'many spikes': (shape) => spikes(shape, 0.8),
  'no spikes': (shape) => tf.zeros(shape),
  'real numbers': (shape) => normal(shape, 1),
};
const products: [name: string, x: number[], filter: number[]][] = [
  ['a convolution', [2, 2, 8, 8, 40], [3, 3, 40, 48]],
  ['a convolution of images', [4, 8, 8, 40], [3, 3, 40, 48]],
  ['a matrix product', [2, 4, 32, 64], [64, 96]],
  ['a small one', [2, 3, 5, 4], [4, 2]],
];

describeEachBackend('a product of spikes', () => {
  const cases = products.flatMap(([name, x, filter]) =>
    Object.keys(kinds).map((kind) => [name, kind, x, filter] as const),
  );
  test.each(cases)('%s of %s, with its gradients', async (_, kind, shape, filterShape) => {
    const [x, filter] = [kinds[kind]!([...shape]), normal([...filterShape], 2)];
    const dy = normal([...shape.slice(0, -1), filterShape.at(-1)!], 3);
    await expectNoLeak(() =>
      tf.tidy(() => {
        const y = runSpikeProduct(x, filter);
        expect(y.shape).toEqual(dy.shape);
        expectClose(y, stockProduct(x, filter), 'y', tolerance);
        const gradients = (product: typeof stockProduct) =>
          tf.grads((a, b) => product(a, b))([x, filter], dy) as [tf.Tensor, tf.Tensor];
        const [dx, dfilter] = gradients(runSpikeProduct);
        const [stockDx, stockDfilter] = gradients(stockProduct);
        expectClose(dx, stockDx, 'dx', tolerance);
        expectClose(dfilter, stockDfilter, 'dfilter', tolerance);
      }),
    );
    tf.dispose([x, filter, dy]);
  });

  test('NaN of a filter or of a gradient is not hidden by zeros', () => {
    tf.tidy(() => {
      const [x, filter] = [tf.zeros([4, 512, 32]), tf.fill([32, 64], NaN)];
      const allNaN = (y: tf.Tensor) => y.isNaN().all().dataSync()[0];
      expect(allNaN(runSpikeProduct(x, filter))).toBe(1);
      const gradient = tf.grad((w) => runSpikeProduct(x, w));
      expect(allNaN(gradient(tf.ones([32, 64]), tf.fill([4, 512, 64], NaN)))).toBe(1);
    });
  });

  test('has second-order gradients inside the function to differentiate', () => {
    tf.tidy(() => {
      const x = kinds['few spikes']!([4, 512, 32]);
      const w = normal([32, 64], 2);
      const loss = (v: tf.Tensor) => runSpikeProduct(x, v).square().sum().asScalar();
      const slope = tf.grad((v) => tf.grad(loss)(v).sum().asScalar())(w);
      const expected = tf
        .matMul(x.reshape([-1, 32]), x.reshape([-1, 32]), true)
        .sum(1, true)
        .mul(2);
      expectClose(slope, expected.tile([1, 64]), 'slope', tolerance);
    });
  });
});
