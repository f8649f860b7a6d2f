/** checkBackend: missing kernels by name before the first step, and nothing changed. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { describeEachBackend } from '../support/backends';
import { seedWeights } from '../support/layer_test';
import { expectNoLeak } from '../support/leaks';

const small = (options: { stateful?: boolean } = {}) =>
  spiking.models.spikingformer({
    inputShape: [2, 8, 8, 1],
    numClasses: 2,
    embedDim: 8,
    depth: 1,
    numHeads: 2,
    ...options,
  });

/** Runs `body` while the backend lacks those kernels. */
async function without(
  kernels: string[],
  backend: string,
  body: () => Promise<void>,
): Promise<void> {
  const configs = kernels.map((kernel) => tf.getKernel(kernel, backend));
  for (const kernel of kernels) tf.unregisterKernel(kernel, backend);
  try {
    await body();
  } finally {
    for (const config of configs) tf.registerKernel(config);
  }
}

const numbers = (model: tf.LayersModel) => model.getWeights().map((w) => Array.from(w.dataSync()));

describeEachBackend('checkBackend', (backend) => {
  test('misses nothing, neither to run nor to train, and leaves the model as it was', async () => {
    const model = small();
    const before = numbers(model);
    await expectNoLeak(() => {
      expect(spiking.checkBackend(model)).toEqual({ backend, missing: [] });
      expect(spiking.checkBackend(model, { training: true })).toEqual({ backend, missing: [] });
    });
    expect(numbers(model)).toEqual(before);
    model.dispose();
  });

  test('names what is missing, all of it where the cpu backend can stand in', async () => {
    const network = small();
    const softmax = tf.layers.activation({ activation: 'softmax' });
    const model = tf.model({
      inputs: network.inputs,
      outputs: softmax.apply(network.outputs[0]!) as tf.SymbolicTensor,
    });
    spiking.checkBackend(model, { training: true }); // installs this library's own kernels
    const before = numbers(model);
    const kernels = ['Add', 'Softmax'];
    await without(kernels, backend, async () => {
      await expectNoLeak(() => {
        const { missing } = spiking.checkBackend(model);
        if (backend === 'cpu') {
          expect(missing).toHaveLength(1);
          expect(kernels).toContain(missing[0]);
        } else {
          expect([...missing].sort()).toEqual(kernels);
        }
      });
      // What stood in is gone again.
      for (const kernel of kernels) expect(tf.getKernel(kernel, backend)).toBeUndefined();
    });
    expect(spiking.checkBackend(model, { training: true }).missing).toEqual([]);
    expect(numbers(model)).toEqual(before);
    model.dispose();
  });

  test('tells what only training misses', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 2, kernelSize: 3, activation: 'elu', inputShape: [4, 4, 1] }),
      ],
    });
    spiking.checkBackend(model, { training: true });
    if (!tf.getKernel('EluGrad', backend)) {
      expect(spiking.checkBackend(model, { training: true }).missing).toEqual(['EluGrad']);
    } else {
      await without(['EluGrad'], backend, async () => {
        await expectNoLeak(() => {
          expect(spiking.checkBackend(model).missing).toEqual([]);
          expect(spiking.checkBackend(model, { training: true }).missing).toEqual(['EluGrad']);
        });
      });
    }
    model.dispose();
  });

  test('lets a stateful model go on where it was', async () => {
    const [model, other] = [small({ stateful: true }), small({ stateful: true })];
    for (const layer of [...model.layers, ...other.layers]) {
      if (layer.weights.length > 0) seedWeights(layer);
    }
    const x = tf.randomUniform([3, 2, 8, 8, 1], 0, 4, 'float32', 3);
    const answer = (m: tf.LayersModel) =>
      tf.tidy(() => Array.from((m.predict(x) as tf.Tensor).dataSync()));
    expect(answer(model)).toEqual(answer(other));
    await expectNoLeak(() => {
      expect(spiking.checkBackend(model, { training: true }).missing).toEqual([]);
    });
    expect(answer(model)).toEqual(answer(other));
    x.dispose();
    model.dispose();
    other.dispose();
  });

  test('passes on an error that is not about kernels', async () => {
    const model = tf.sequential({
      layers: [spiking.layers.batchNormOverTime({ name: 'bn', inputShape: [3] })],
    });
    const broken = jest.spyOn(model.layers[0]!, 'call').mockImplementation(() => {
      throw new Error('broken');
    });
    await expectNoLeak(() => {
      expect(() => spiking.checkBackend(model)).toThrow('broken');
    });
    broken.mockRestore();
    model.dispose();
  });
});
