/** A bias before a batch norm, in training: the batch norm cancels it. */
import * as tf from '@tensorflow/tfjs';
import { layers } from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectForwardClose } from '../support/compare';
import { expectNoLeak } from '../support/leaks';

describeEachBackend('a bias before a batch norm in training', () => {
  const shape = [3, 2, 4];
  const build = (useBias: boolean) => {
    const layer = layers.linearBN({ units: 5, useBias });
    layer.apply(tf.input({ shape }));
    const weight = (name: string) => layer.weights.find((each) => each.name.endsWith(name))!;
    tf.tidy(() => void weight('kernel').write(tf.randomNormal([4, 5], 0, 1, 'float32', 1)));
    return { layer, weight };
  };

  test('moves the running mean alone, and has a gradient of zero', async () => {
    const x = tf.randomNormal([2, ...shape], 0, 1, 'float32', 2);
    const [with_, without] = [build(true), build(false)];
    const bias = tf.tensor1d([1, -2, 3, 0.5, 40]);
    with_.weight('bias').write(bias);
    const variables = ['kernel', 'bias', 'gamma', 'beta'].map(
      (name) => with_.weight(name).read() as tf.Variable,
    );
    let y: tf.Tensor | undefined;
    const loss = () => {
      y = tf.keep(with_.layer.apply(x, { training: true }) as tf.Tensor);
      return y.mul(y.add(1).square()).sum().asScalar();
    };
    const { grads } = tf.variableGrads(loss, variables);
    const [, dBias, , dBeta] = variables.map(({ name }) => grads[name]!);
    expect([...dBias!.dataSync()]).toEqual([0, 0, 0, 0, 0]);
    expectForwardClose(
      dBeta!,
      tf.tidy(() => y!.square().mul(3).add(y!.mul(4)).add(1).sum([0, 1, 2])),
    );

    const expected = without.layer.apply(x, { training: true }) as tf.Tensor;
    expect(y!.dataSync()).toEqual(expected.dataSync());
    const mean = without.weight('moving_mean').read();
    expectForwardClose(with_.weight('moving_mean').read(), mean.add(bias.mul(0.1)));
    expect(with_.weight('moving_variance').read().dataSync()).toEqual(
      without.weight('moving_variance').read().dataSync(),
    );

    await expectNoLeak(() =>
      tf.dispose(
        tf.variableGrads(() => {
          return (with_.layer.apply(x, { training: true }) as tf.Tensor).square().sum().asScalar();
        }, variables),
      ),
    );
    tf.dispose([x, bias, y!, expected, ...Object.values(grads)]);
  });
});
