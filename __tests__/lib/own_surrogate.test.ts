/** Surrogates of a user's own: in neurons and layers, in files, in neurons of the user's own. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { expectGradClose, expectSpikesEqual } from '../support/compare';
import {
  compiled,
  predict,
  savedAndLoaded,
  savedArtifacts,
  seedWeights,
} from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const { layers, registerSurrogate } = spiking;

/** SpikingJelly's sigmoid, written anew: what neurons make of it is known. */
const sigmoidAgain = (u: tf.Tensor, alpha: number) => {
  const s = u.mul(alpha).sigmoid();
  return s.mul(tf.sub(1, s)).mul(alpha);
};
registerSurrogate('sigmoidAgain', { alpha: 4, derivative: sigmoidAgain });
registerSurrogate('fastSigmoid', {
  alpha: 2,
  derivative: (u, alpha) => u.abs().mul(alpha).add(1).square().reciprocal(),
});

const input = () => tf.randomUniform([2, 5, 7], -1, 3, 'float32', 3);
const cotangent = () => tf.randomNormal([2, 5, 7], 0, 1, 'float32', 4);

describeEachBackend("a surrogate of the user's own", () => {
  const params: spiking.LIFParams[] = [
    {},
    { tau: 1.5, vReset: null, detachReset: false },
    { decayInput: false, vReset: -0.5, alpha: 2.5 },
  ];
  test.each(params)('in a LIF neuron %j: spikes and gradients', async (options) => {
    await expectNoLeak(() => {
      tf.tidy(() => {
        const [x, g, v0] = [input(), cotangent(), tf.fill([2, 7], 0.3)];
        const run = (surrogate: string) => (z: tf.Tensor, v: tf.Tensor) => {
          const { spikes, v: last } = spiking.multiStepLIFState(z, { ...options, surrogate }, v);
          return spikes.mul(g).sum().add(last.sum()).asScalar();
        };
        const spikes = (surrogate: string) => spiking.multiStepLIF(x, { ...options, surrogate });
        expectSpikesEqual(spikes('sigmoidAgain'), spikes('sigmoid'));
        const expected = tf.grads(run('sigmoid'))([x, v0]);
        const other = tf.grads(run('fastSigmoid'))([x, v0]);
        tf.grads(run('sigmoidAgain'))([x, v0]).forEach((gradient, i) => {
          expectGradClose(gradient, expected[i]!);
          expect(Array.from(other[i]!.dataSync())).not.toEqual(Array.from(gradient.dataSync()));
        });
      });
    });
  });

  test('in a PLIF neuron, its time constant too', () => {
    tf.tidy(() => {
      const [x, g, w] = [input(), cotangent(), tf.scalar(0.4)];
      const run = (surrogate: string) => (z: tf.Tensor, k: tf.Tensor) =>
        spiking.multiStepPLIF(z, k, { surrogate }).mul(g).sum().asScalar();
      const expected = tf.grads(run('sigmoid'))([x, w]);
      tf.grads(run('sigmoidAgain'))([x, w]).forEach((gradient, i) => {
        expectGradClose(gradient, expected[i]!);
      });
    });
  });

  test('in a layer that is trained, saved and loaded', async () => {
    const make = () => {
      const model = tf.sequential({
        layers: [
          layers.cmlDownsample({ filters: 4, surrogate: 'fastSigmoid', inputShape: [2, 4, 4, 2] }),
          layers.rateReadout(),
          tf.layers.dense({ units: 2 }),
        ],
      });
      for (const layer of model.layers) if (layer.weights.length > 0) seedWeights(layer);
      return compiled(model);
    };
    const model = make();
    const [x, y] = [tf.randomUniform([2, 2, 4, 4, 2], 0, 2, 'float32', 1), tf.ones([2, 2])];
    await model.trainOnBatch(x, y);
    const loaded = await savedAndLoaded(model);
    expect(loaded.layers[0]!.getConfig()).toMatchObject({ surrogate: 'fastSigmoid', alpha: 2 });
    expect(predict(loaded, x)).toEqual(predict(model, x));
    await expectNoLeak(async () => {
      await model.trainOnBatch(x, y);
    });
    // In a process that has not registered it, the name is an error.
    const artifacts = await savedArtifacts(model);
    const topology = JSON.stringify(artifacts.modelTopology).replaceAll(/fast_?sigmoid/gi, 'other');
    const other = { ...artifacts, modelTopology: JSON.parse(topology) };
    await expect(tf.loadLayersModel(tf.io.fromMemory(other))).rejects.toThrow(
      /surrogate must be one of 'sigmoid', .*'fastSigmoid'.*, but got 'other'/,
    );
    tf.dispose([x, y]);
    loaded.dispose();
    model.dispose();
  });

  test('spike: fires at 0 and above, its gradient the surrogate', async () => {
    await expectNoLeak(() => {
      tf.tidy(() => {
        const u = tf.tensor1d([-1, -0, 0, 0.5]);
        for (const surrogate of ['atan', 'fastSigmoid']) {
          const fire = (x: tf.Tensor) => spiking.spike(x, { surrogate });
          expect(Array.from(fire(u).dataSync())).toEqual([0, 1, 1, 1]);
          const dy = tf.tensor1d([1, 2, 3, 4]);
          expectGradClose(tf.grad(fire)(u, dy), spiking.surrogateGradient(u, surrogate).mul(dy));
        }
      });
    });
  });
});

test.each([
  [['Fast', { derivative: sigmoidAgain }], "name must be in lowerCamelCase, but got 'Fast'"],
  [
    ['atan', { derivative: sigmoidAgain }],
    'name must be a name other than the built-in sigmoid, atan, ',
  ],
  [['mine', {}], 'derivative must be a function, but got undefined'],
  [['mine', { derivative: sigmoidAgain, alpha: 0 }], 'alpha must be a positive finite number'],
  [['mine', { derivative: sigmoidAgain, name: 'x' }], "registerSurrogate has no option 'name'"],
])('registerSurrogate refuses %j', (args, message) => {
  expect(() => registerSurrogate(...(args as [string, never]))).toThrow(message);
});

test('spike refuses what it does not know', () => {
  const u = tf.tensor1d([1]);
  expect(() => spiking.spike(u, { surrogate: 'mine' })).toThrow("but got 'mine'");
  expect(() => spiking.spike(u, { surrogate: 'mine', alpha: 1 })).toThrow("but got 'mine'");
  expect(() => layers.lifNode({ surrogate: 'mine', alpha: 1 })).toThrow("but got 'mine'");
  expect(() => spiking.spike(u, { alpha: -1 })).toThrow('alpha must be a positive finite number');
  u.dispose();
});
