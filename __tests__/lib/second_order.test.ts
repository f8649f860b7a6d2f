/** The gradient of a gradient: through batch norm and attention; neurons and pools say that they have none. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectClose, valuesOf } from '../support/fixtures';

describeEachBackend('second-order gradients', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  const { batchNormTraining, maxPool2d, multiHeadSpikingAttention, multiStepLIF } = spiking;
  const x = () => tf.randomNormal([4, 2, 3], 0, 1, 'float32', 5);
  /** The gradient of the squared gradient of the cubes of f. */
  const twice = (f: (x: tf.Tensor) => tf.Tensor, at: tf.Tensor) =>
    tf.grad((u) =>
      tf
        .grad((v) => f(v).pow(3).sum())(u)
        .square()
        .sum(),
    )(at);

  test('batch norm has that of stock operations', () => {
    const [gamma, beta] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([0.5, -1, 2])];
    const norm = (x: tf.Tensor) => batchNormTraining(x, gamma, beta).y;
    const stock = (x: tf.Tensor) => {
      const { mean, variance } = tf.moments(x, [0, 1]);
      return x.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(gamma).add(beta);
    };
    const expected = valuesOf(twice(stock, x()));
    expect(Math.max(...expected.data)).toBeGreaterThan(1);
    expectClose(twice(norm, x()), expected, 'd2x', { atol: 1e-3, rel_to_max: 1e-3 });
  });

  test('a layer of batch norm trains under a gradient penalty', () => {
    const layer = spiking.layers.batchNormOverTime();
    const penalty = (u: tf.Tensor) =>
      twice((v) => layer.apply(v, { training: true }) as tf.Tensor, u);
    expect(penalty(x()).shape).toEqual([4, 2, 3]);
    layer.dispose();
  });

  test('attention has it', () => {
    const q = tf.randomUniform([1, 2, 4, 6], 0, 1, 'float32', 3);
    const attend = (x: tf.Tensor) => multiHeadSpikingAttention(x, q, x, { numHeads: 2 });
    expect(twice(attend, q).shape).toEqual(q.shape);
  });

  spiking.registerSurrogate('triangle', { derivative: (u) => u.abs().mul(-1).add(1).relu() });
  test.each<[string, (x: tf.Tensor) => tf.Tensor, RegExp]>([
    ['neurons', (x) => multiStepLIF(x.mul(1)), /spiking neuron has no second-order gradient/],
    [
      'neurons with a surrogate of your own',
      (x) => multiStepLIF(x.mul(1), { surrogate: 'triangle' }),
      /spiking neuron has no second-order gradient/,
    ],
    [
      'max pool',
      (x) => maxPool2d(x.reshape([4, 2, 3, 1])),
      /maxPool2d has no second-order gradient/,
    ],
  ])('%s say that they have none', (_, f, message) => {
    expect(() => twice(f, x())).toThrow(message);
    // The first-order one is there under another tape.
    expect(
      tf.grad((u) =>
        tf
          .grad((v) => f(v).sum())(x())
          .sum()
          .mul(u.sum()),
      )(x()).shape,
    ).toEqual([4, 2, 3]);
  });
});
