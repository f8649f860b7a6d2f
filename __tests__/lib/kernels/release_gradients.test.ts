/** Backward passes that release what they no longer need: nothing that anybody else does. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../../support/backends';
import { expectForwardClose } from '../../support/compare';
import { expectNoLeak } from '../../support/leaks';

const DEPTH = 12;
const x0 = [0.5, -1, 2];

/** y, and how much memory there is when the gradient passes here. */
function probe(y: tf.Tensor, seen: number[]): tf.Tensor {
  const watch = tf.customGrad((input) => ({
    value: (input as tf.Tensor).clone(),
    gradFunc: (dy: tf.Tensor) => {
      seen.push(tf.memory().numBytes);
      return dy.clone();
    },
  }));
  return watch(y);
}

const expectValues = (y: tf.Tensor, expected: number[]) =>
  expectForwardClose(y, tf.tensor(expected, y.shape));

describeEachBackend('gradients', () => {
  test('free memory on their way back', () => {
    tf.tidy(() => {
      const seen: number[] = [];
      const size = 1000;
      const w = tf.fill([size], 0.9);
      const stack = (x: tf.Tensor) => {
        let y = probe(x, seen);
        for (let i = 0; i < DEPTH; i++)
          y = y
            .mul(w)
            .reshape([10, size / 10])
            .reshape([size]);
        return probe(y, seen).sum().asScalar();
      };
      const dx = tf.grad(stack)(tf.ones([size]));
      expect(dx.dataSync()[7]).toBeCloseTo(0.9 ** DEPTH, 5);
      const [start, end] = seen as [number, number];
      // Each step has saved its two factors, and has gone back through three operations.
      expect(end).toBeLessThan(start - (DEPTH - 2) * size * 4);
    });
  });

  test('keep the gradient that the caller gave, and what they give to the caller', async () => {
    const [x, dy] = [tf.tensor1d(x0), tf.tensor1d([1, 2, 3])];
    const f = (t: tf.Tensor) => t.mul(t).reshape([3, 1]).reshape([3]);
    await expectNoLeak(() => tf.grad(f)(x, dy).dispose());
    const grad = tf.grad(f);
    const results = [grad(x, dy), grad(x, dy)];
    for (const dx of results) expectValues(dx, [1, -4, 12]);
    expectValues(dy, [1, 2, 3]);

    const two = tf.valueAndGrads((a, b) => a!.add(b!).mul(a!).sum().asScalar());
    const { value, grads } = two([x, dy]);
    expectValues(value, [0.25 + 0.5 + 1 - 2 + 4 + 6]);
    expectValues(grads[0]!, [2, 0, 7]);
    expectValues(grads[1]!, x0);
    tf.dispose([x, dy, ...results, value, ...grads]);
  });

  test('take several ways, and pass unchanged through functions of the user', () => {
    tf.tidy(() => {
      const both = tf.customGrad((a, b) => ({
        value: (a as tf.Tensor).add(b as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => [dy, dy],
      }));
      const f = (x: tf.Tensor) => {
        const [a, b] = [x.mul(2).reshape([3, 1]), x.mul(3).reshape([3, 1])];
        const y = both(a, b).reshape([3]);
        return y.add(y.mul(y)).add(x).sum().asScalar();
      };
      // y = 5 x: d(y + y^2 + x) = 6 + 50 x
      expectValues(
        tf.grad(f)(tf.tensor1d(x0)),
        x0.map((x) => 6 + 50 * x),
      );
    });
  });

  test('have gradients themselves', () => {
    tf.tidy(() => {
      const cube = (x: tf.Tensor) => x.mul(x).mul(x).sum().asScalar();
      const slope = tf.grad(cube);
      const x = tf.tensor1d(x0);
      expectValues(
        tf.grad((t) => slope(t).sum().asScalar())(x),
        x0.map((v) => 6 * v),
      );
    });
  });

  test('of a whole network are the same twice, and leave nothing behind', async () => {
    const model = spiking.models.spikingformer({
      ...{ inputShape: [8, 8, 2], numClasses: 3, embedDim: 16, depth: 1, numHeads: 4 },
    });
    const x = tf.randomUniform([2, 8, 8, 2], 0, 2, 'float32', 3);
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const gradients = () => {
      const loss = () => (model.apply(x, { training: true }) as tf.Tensor).square().sum();
      const { value, grads } = tf.variableGrads(() => loss().asScalar(), variables);
      const numbers = Object.values(grads).map((grad) => Array.from(grad.dataSync()));
      tf.dispose([value, grads]);
      return numbers;
    };
    const first = gradients();
    expect(first.flat().some((g) => g !== 0)).toBe(true);
    await expectNoLeak(() => expect(gradients()).toEqual(first));
    model.dispose();
    x.dispose();
  });
});
