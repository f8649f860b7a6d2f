/** ConvBN and LinearBN with frozen statistics: the same numbers with and without a gradient asked for. */
import * as tf from '@tensorflow/tfjs';
import { layers } from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose, expectGradClose } from '../support/compare';
import { expectNoLeak } from '../support/leaks';

const spikes = (shape: number[]) => tf.randomUniform(shape, 0, 1, 'float32', 5).less(0.2).toFloat();

/** Weights as far from their initial ones as training takes them. */
function disturb(layer: tf.layers.Layer): void {
  tf.tidy(() => {
    layer.weights.forEach((weight, i) => {
      const positive = weight.name.endsWith('variance');
      const noise = tf.randomUniform(weight.shape as number[], -0.5, 0.5, 'float32', i + 1);
      weight.write(positive ? noise.add(1) : weight.read().add(noise));
    });
  });
}

/** As a gradient's function computes it, and the gradient. */
function recorded(layer: tf.layers.Layer, x: tf.Tensor, training: boolean) {
  let y: tf.Tensor | undefined;
  const dx = tf.grad((input) => {
    y = tf.keep((layer.apply(input, { training }) as tf.Tensor).clone());
    return y.square().sum().asScalar();
  })(x);
  return { y: y!, dx };
}

describeEachBackend('inference', () => {
  test.each([
    ['ConvBN', () => layers.convBN({ filters: 5 }), [2, 6, 5, 3]],
    ['ConvBN with a bias', () => layers.convBN({ filters: 33, useBias: true }), [2, 6, 5, 3]],
    ['ConvBN of 1 x 1', () => layers.convBN({ filters: 4, kernelSize: 1 }), [2, 6, 5, 3]],
    ['ConvBN with strides', () => layers.convBN({ filters: 4, strides: 2 }), [2, 6, 5, 3]],
    ['LinearBN', () => layers.linearBN({ units: 40 }), [2, 7, 9]],
    ['LinearBN with a bias', () => layers.linearBN({ units: 6, useBias: true }), [2, 3, 3, 9]],
  ])('of %s is what its gradient sees', async (_, make, shape) => {
    const layer = make();
    const x = spikes([3, ...shape]);
    layer.apply(tf.input({ shape }));
    disturb(layer);
    const call = () => layer.apply(x, { training: false }) as tf.Tensor;
    (call() as tf.Tensor).dispose();
    await expectNoLeak(() => call().dispose());

    const y = call();
    const { y: expected, dx } = recorded(layer, x, false);
    expectForwardClose(y, expected);
    // The input's gradient, by the change of the loss along itself.
    const step = 1e-2;
    const loss = (t: tf.Tensor) =>
      tf.tidy(
        () => (layer.apply(t, { training: false }) as tf.Tensor).square().sum().dataSync()[0]!,
      );
    const along = dx.div(dx.norm());
    const slope = (loss(x.add(along.mul(step))) - loss(x.sub(along.mul(step)))) / (2 * step);
    expectGradClose(tf.scalar(slope), dx.norm(), 'slope', { atol: 0, rtol: 1e-2 });

    layer.trainable = false;
    const frozen = layer.apply(x, { training: true }) as tf.Tensor;
    expect(Array.from(frozen.dataSync())).toEqual(Array.from(y.dataSync()));
    tf.dispose([x, y, expected, dx, along, frozen]);
    layer.dispose();
  });

  test('follows the weights as they change', () => {
    tf.tidy(() => {
      const layer = layers.linearBN({ units: 4 });
      const x = spikes([2, 2, 3, 5]);
      const call = () => (layer.apply(x) as tf.Tensor).dataSync();
      const before = call();
      disturb(layer);
      const after = call();
      expect(Array.from(after)).not.toEqual(Array.from(before));
    });
  });

  test('of a clip at once is that of its frames one by one, to the bit', () => {
    tf.tidy(() => {
      const layer = layers.convBN({ filters: 34 });
      const clip = spikes([2, 4, 6, 6, 3]);
      const whole = layer.apply(clip) as tf.Tensor;
      const frames = tf.split(clip, 4, 1).map((frame) => layer.apply(frame) as tf.Tensor);
      expect(Array.from(whole.dataSync())).toEqual(Array.from(tf.concat(frames, 1).dataSync()));
    });
  });
});
