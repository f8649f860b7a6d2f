/** CMLDownsample: what each order computes, and where its gradient goes. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { seedWeights } from '../support/layer_test';

const { layers } = spiking;

function pool(x: tf.Tensor): tf.Tensor {
  const [batch, time, ...image] = x.shape as [number, number, number, number, number];
  const y = spiking.maxPool2d(x.reshape([batch * time, ...image]) as tf.Tensor4D);
  return y.reshape([batch, time, ...y.shape.slice(1)]);
}

const numbers = (x: tf.Tensor) => Array.from(x.dataSync());

describeEachBackend('CMLDownsample', () => {
  const orders = [
    ['conv-bn-pool-lif', (y: tf.Tensor) => spiking.multiStepLIF(pool(y))],
    ['conv-bn-lif-pool', (y: tf.Tensor) => pool(spiking.multiStepLIF(y))],
  ] as const;

  test.each(orders)('%s is what its name says', (order, after) => {
    tf.tidy(() => {
      const downsample = layers.cmlDownsample({ filters: 3, order });
      const convBN = layers.convBN({ filters: 3 });
      const x = tf.randomNormal([2, 3, 5, 6, 2], 0, 2, 'float32', 1);
      for (const layer of [downsample, convBN]) {
        layer.apply(x);
        seedWeights(layer);
      }
      const actual = downsample.apply(x) as tf.Tensor;
      expect(actual.shape).toEqual([2, 3, 3, 3, 3]);
      expect(numbers(actual)).toEqual(numbers(after(convBN.apply(x) as tf.Tensor)));
      expect(numbers(actual)).toContain(1);
    });
  });

  test('the two orders fire differently, and CML alone is the default', () => {
    expect(layers.cmlDownsample({ filters: 1 }).getConfig().order).toBe('conv-bn-pool-lif');
    tf.tidy(() => {
      const x = tf.randomNormal([2, 4, 6, 6, 2], 0, 2, 'float32', 1);
      const outputs = orders.map(([order]) => {
        const layer = layers.cmlDownsample({ filters: 3, order });
        layer.apply(x);
        seedWeights(layer);
        return numbers(layer.apply(x) as tf.Tensor);
      });
      expect(outputs[0]).not.toEqual(outputs[1]);
    });
  });

  /** A 1 x 1 convolution that changes nothing: batch norm at rest with weight 1. */
  function identity(order: (typeof orders)[number][0]) {
    const layer = layers.cmlDownsample({ filters: 1, kernelSize: 1, order });
    layer.apply(tf.input({ shape: [1, 3, 3, 1] }));
    layer.setWeights(
      [[1], [1], [0], [0], [1 - 1e-5]].map((v, i) => tf.tensor(v, i === 0 ? [1, 1, 1, 1] : [1])),
    );
    return layer;
  }

  test('CML sends the gradient to the largest input, the earlier order to the first that fired', () => {
    tf.tidy(() => {
      // 2 x 2 pixels of a corner window; all but one above the threshold (x / tau >= 1).
      const x = tf.tensor([3, 5, 0, 4, 9, 0, 0, 0, 0], [1, 1, 3, 3, 1]);
      const gradientOf = (order: (typeof orders)[number][0]) => {
        const layer = identity(order);
        const first = (z: tf.Tensor) =>
          (layer.apply(z) as tf.Tensor).slice([0, 0, 0, 0, 0], [1, 1, 1, 1, 1]).sum();
        return numbers(tf.grad(first)(x)).map((g) => g > 0);
      };
      const at = (index: number) => Array.from({ length: 9 }, (_, i) => i === index);
      expect(gradientOf('conv-bn-pool-lif')).toEqual(at(4));
      expect(gradientOf('conv-bn-lif-pool')).toEqual(at(0));
    });
  });

  test('without a pool is ConvBN and LIF', () => {
    tf.tidy(() => {
      const layer = layers.cmlDownsample({ filters: 3, poolSize: 1, poolStrides: 1 });
      const x = tf.randomNormal([1, 2, 4, 5, 2], 0, 2, 'float32', 1);
      expect((layer.apply(x) as tf.Tensor).shape).toEqual([1, 2, 4, 5, 3]);
    });
  });

  test('a window of 2 halves the image, as a window of 3 does', () => {
    for (const poolSize of [2, 3]) {
      const layer = layers.cmlDownsample({ filters: 3, poolSize });
      expect(layer.computeOutputShape([null, 4, 8, 8, 2])).toEqual([null, 4, 4, 4, 3]);
    }
  });
});

describeEachBackend('an image presented at every time step', () => {
  test.each(['conv-bn-pool-lif', 'conv-bn-lif-pool'] as const)(
    '%s: given once it equals the image repeated: output, gradients, running statistics',
    (order) => {
      tf.tidy(() => {
        const options = { embedDim: 8, order, vThreshold: 0.4 };
        const once = layers.spikingTokenizer({ ...options, timeSteps: 3 });
        const repeated = layers.spikingTokenizer(options);
        const encoding = layers.directEncoding({ timeSteps: 3 });
        const image = tf.randomUniform([2, 8, 8, 2], 0, 2, 'float32', 1);
        const g = tf.randomNormal([2, 3, 2, 2, 8], 0, 1, 'float32', 2);
        const runs = [
          {
            layer: once,
            run: (x: tf.Tensor, training: boolean) => once.apply(x, { training }) as tf.Tensor,
          },
          {
            layer: repeated,
            run: (x: tf.Tensor, training: boolean) =>
              repeated.apply(encoding.apply(x) as tf.Tensor, { training }) as tf.Tensor,
          },
        ].map(({ layer, run }) => {
          run(image, false);
          seedWeights(layer);
          const evaluated = run(image, false);
          const inputGradient = tf.grad((x) => run(x, true).mul(g).sum())(image);
          seedWeights(layer);
          const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
          const { grads, value } = tf.variableGrads(
            () => run(image, true).mul(g).sum().asScalar(),
            variables,
          );
          return {
            evaluated,
            inputGradient,
            value,
            gradients: variables.map((variable) => grads[variable.name]!),
            statistics: layer.nonTrainableWeights.map((weight) => weight.read()),
          };
        });
        const [a, b] = runs as [(typeof runs)[0], (typeof runs)[0]];
        expect(numbers(a.evaluated)).toEqual(numbers(b.evaluated));
        const close = (x: tf.Tensor, y: tf.Tensor) => {
          const limit = 1e-4 * Math.max(...numbers(y.abs())) + 1e-6;
          expect(Math.max(...numbers(x.sub(y).abs()))).toBeLessThanOrEqual(limit);
        };
        close(a.value, b.value);
        close(a.inputGradient, b.inputGradient);
        expect(a.gradients).toHaveLength(15);
        a.gradients.forEach((gradient, i) => {
          close(gradient, b.gradients[i]!);
        });
        expect(a.statistics).toHaveLength(10);
        a.statistics.forEach((statistic, i) => {
          close(statistic, b.statistics[i]!);
        });
      });
    },
  );

  test('directEncoding repeats it, whatever its rank', () => {
    tf.tidy(() => {
      for (const shape of [
        [2, 3],
        [2, 3, 2],
        [2, 2, 2, 3],
      ]) {
        const x = tf.randomNormal(shape, 0, 1, 'float32', 1);
        for (const timeSteps of [1, 4]) {
          const y = layers.directEncoding({ timeSteps }).apply(x) as tf.Tensor;
          expect(y.shape).toEqual([2, timeSteps, ...shape.slice(1)]);
          for (const frame of tf.unstack(y, 1)) expect(numbers(frame)).toEqual(numbers(x));
        }
      }
    });
  });
});
