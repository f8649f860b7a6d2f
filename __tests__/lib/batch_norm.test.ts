/** Batch normalization over time: against float64, against automatic differentiation, and its statistics. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectBuffersClose, expectForwardClose, expectGradClose } from '../support/compare';

/** y, mean and biased variance of `[rows, channels]` numbers, in float64. */
function naive(
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  epsilon: number,
) {
  const channels = gamma.length;
  const rows = x.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  for (let i = 0; i < x.length; i++) mean[i % channels]! += x[i]! / rows;
  for (let i = 0; i < x.length; i++)
    variance[i % channels]! += (x[i]! - mean[i % channels]!) ** 2 / rows;
  const y = Float64Array.from({ length: x.length }, (_, i) => {
    const c = i % channels;
    return ((x[i]! - mean[c]!) / Math.sqrt(variance[c]! + epsilon)) * gamma[c]! + beta[c]!;
  });
  return { y, mean, variance };
}

/** Batch norm in differentiable ops, whose gradient tfjs finds by itself. */
function differentiable(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const centred = x.sub(x.mean(axes, true));
  const variance = centred.square().mean(axes, true);
  return centred.div(variance.add(epsilon).sqrt()).mul(gamma).add(beta);
}

const values = (shape: number[], data: ArrayLike<number>) => ({
  shape,
  data: Float32Array.from(data),
});

function example(shape: number[], offset = 0.7) {
  const channels = shape.at(-1)!;
  return {
    x: tf.randomNormal(shape, offset, 2, 'float32', 1),
    gamma: tf.randomNormal([channels], 1, 0.5, 'float32', 2),
    beta: tf.randomNormal([channels], 0, 1, 'float32', 3),
    g: tf.randomNormal(shape, 0, 1, 'float32', 4),
  };
}

describeEachBackend('batch norm over time', () => {
  test.each([[[6, 1]], [[5, 3]], [[2, 3, 4]], [[2, 2, 3, 5]], [[2, 3, 3, 2, 17]], [[300, 2]]])(
    'in training, shape %p: output, statistics and gradients',
    (shape) => {
      tf.tidy(() => {
        const { x, gamma, beta, g } = example(shape);
        const epsilon = 1e-3;
        const { y, mean, variance } = spiking.batchNormTraining(x, gamma, beta, { epsilon });
        const expected = naive(x.dataSync(), gamma.dataSync(), beta.dataSync(), epsilon);
        const channels = [shape.at(-1)!];
        expectForwardClose(y, values(shape, expected.y), 'y');
        expectBuffersClose(mean, values(channels, expected.mean), 'mean');
        expectBuffersClose(variance, values(channels, expected.variance), 'variance');
        const inputs = [x, gamma, beta];
        const actual = tf.grads((...[a, b, c]: tf.Tensor[]) =>
          spiking.batchNormTraining(a!, b!, c!, { epsilon }).y.mul(g).sum(),
        )(inputs);
        const reference = tf.grads((...[a, b, c]: tf.Tensor[]) =>
          differentiable(a!, b!, c!, epsilon).mul(g).sum(),
        )(inputs);
        ['x', 'gamma', 'beta'].forEach((name, i) => {
          expectGradClose(actual[i]!, reference[i]!, `gradient of ${name}`);
        });
      });
    },
  );

  test('has the gradient that finite differences of the float64 formula have', () => {
    tf.tidy(() => {
      const { x, gamma, beta, g } = example([2, 3, 2]);
      const [xs, gs] = [Float64Array.from(x.dataSync()), g.dataSync()];
      const [gammas, betas] = [gamma.dataSync(), beta.dataSync()];
      const loss = (data: Float64Array) =>
        naive(data, gammas, betas, 1e-5).y.reduce((sum, y, i) => sum + y * gs[i]!, 0);
      const step = 1e-5;
      const differences = xs.map((_, i) => {
        const [up, down] = [xs.slice(), xs.slice()];
        up[i]! += step;
        down[i]! -= step;
        return (loss(up) - loss(down)) / (2 * step);
      });
      const gradient = tf.grad((a) => spiking.batchNormTraining(a, gamma, beta).y.mul(g).sum())(x);
      expectGradClose(gradient, values([2, 3, 2], differences), 'gradient of x');
    });
  });

  test('keeps its precision far from zero', () => {
    tf.tidy(() => {
      const { x, gamma, beta } = example([4, 8, 3], 1000);
      const { y } = spiking.batchNormTraining(x, gamma, beta);
      const expected = naive(x.dataSync(), gamma.dataSync(), beta.dataSync(), 1e-5);
      expectForwardClose(y, values([4, 8, 3], expected.y), 'y', { atol: 1e-3 });
    });
  });

  test('of a constant is beta', () => {
    tf.tidy(() => {
      const { y } = spiking.batchNormTraining(
        tf.fill([4, 2], 3),
        tf.ones([2]),
        tf.tensor1d([5, -1]),
      );
      expectForwardClose(y, values([4, 2], [5, -1, 5, -1, 5, -1, 5, -1]));
    });
  });

  test('passes no gradient through the statistics', () => {
    tf.tidy(() => {
      const { x, gamma, beta } = example([4, 3]);
      const gradient = tf.grad((a) => {
        const { y, mean, variance } = spiking.batchNormTraining(a, gamma, beta);
        return y.mul(0).sum().add(mean.sum()).add(variance.sum());
      })(x);
      expect(gradient.abs().max().dataSync()[0]).toBe(0);
    });
  });

  test('moves the running variance by the unbiased one, and the running mean, once a call', () => {
    const layer = spiking.layers.batchNormOverTime({ momentum: 0.9 });
    tf.tidy(() => {
      const x = tf.tensor([1, 2, 3, 6], [2, 2, 1]); // mean 3, squares 4 + 1 + 0 + 9 = 14
      layer.apply(x, { training: true });
      const [, , mean, variance] = layer.getWeights();
      expect(mean!.dataSync()[0]).toBeCloseTo(0.1 * 3, 6);
      expect(variance!.dataSync()[0]).toBeCloseTo(0.9 + 0.1 * (14 / 3), 6);
      layer.apply(x);
      layer.apply(x, { training: false });
      expect(layer.getWeights()[2]!.dataSync()[0]).toBeCloseTo(0.3, 6);
    });
    layer.dispose();
  });

  test('at inference uses the running statistics', () => {
    tf.tidy(() => {
      const [gamma, beta, mean, variance] = [[2], [1], [3], [4]].map((v) => tf.tensor1d(v));
      const x = tf.tensor([3, 5, -1], [3, 1, 1]);
      const y = spiking.batchNormInference(x, gamma!, beta!, mean!, variance!, { epsilon: 1e-12 });
      expectForwardClose(y, values([3, 1, 1], [1, 3, -3]));
    });
  });

  test('refuses a single value per channel in training, as PyTorch does', () => {
    const layer = spiking.layers.batchNormOverTime({ name: 'bn' });
    tf.tidy(() => {
      const one = tf.ones([1, 1, 3]);
      layer.apply(one);
      expect(() => layer.apply(one, { training: true })).toThrow(
        'The input of bn must be at least 2 values per channel in training, but got [1,1,3]',
      );
    });
    layer.dispose();
  });
});
