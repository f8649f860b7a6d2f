/** NeuroBench's metrics, equal to those of its own package on the same network; fixtures/neurobench/make.py made them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { neurobench } from 'tfjs-spikingformer/analysis';
import { describeEachBackend } from '../support/backends';
import { expectNoLeak } from '../support/leaks';

const folder = join(__dirname, '../fixtures/neurobench');
const { config, batchNorms, results } = JSON.parse(readFileSync(join(folder, 'tiny.json'), 'utf8'));

/** The network of make.py, and its images. */
function tiny(): { model: tf.LayersModel; x: tf.Tensor } {
  const { x, ...weights } = spiking.interop.readSafetensors(
    readFileSync(join(folder, 'tiny.safetensors')),
  );
  const model = spiking.models.spikingformer({
    inputShape: [16, 16, 3],
    numClasses: config.classes,
    embedDim: config.channels,
    depth: config.depth,
    numHeads: config.heads,
    timeSteps: config.time_steps,
  });
  spiking.interop.loadTorchStateDict(model, weights);
  const images = tf.tensor(x!.data as Float32Array, x!.shape as number[]);
  return { model, x: images.transpose([0, 2, 3, 1]) };
}

describeEachBackend('neurobench', () => {
  test('equals its package on the same network', () => {
    const { model, x } = tiny();
    const metrics = neurobench(model, x, { batchSize: 2 });
    // PyTorch's batch norms count their batches in an int64 each.
    expect(metrics.footprint + 8 * batchNorms).toBe(results.Footprint);
    expect(metrics.connectionSparsity).toBeCloseTo(results.ConnectionSparsity, 4);
    expect(metrics.activationSparsity).toBeCloseTo(results.ActivationSparsity, 12);
    expect(metrics.synapticOperations).toEqual({
      effectiveMacs: results.SynapticOperations.Effective_MACs,
      effectiveAcs: results.SynapticOperations.Effective_ACs,
      dense: results.SynapticOperations.Dense,
    });
    expect(spiking.models.countParameters(model).parameters).toBe(results.ParameterCount);
    model.dispose();
  });

  test('counts the maps of tf.layers, of which zeros and weights of zero cost nothing', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [3, 3, 1],
          filters: 1,
          kernelSize: 3,
          padding: 'same',
          weights: [tf.ones([3, 3, 1, 1]), tf.ones([1])],
        }),
        tf.layers.flatten(),
        tf.layers.dense({
          units: 2,
          useBias: false,
          weights: [tf.tensor2d([[1, 0], ...Array.from({ length: 8 }, () => [1, 1])])],
        }),
      ],
    });
    // One pixel of 1, in the middle: 9 products of the convolution meet it, and every output is 2.
    const x = tf.tensor4d([0, 0, 0, 0, 1, 0, 0, 0, 0], [1, 3, 3, 1]);
    await expectNoLeak(async () => {
      expect(neurobench(model, x)).toEqual({
        footprint: 4 * (9 + 1 + 18),
        connectionSparsity: 1 / 27,
        activationSparsity: 0,
        synapticOperations: { effectiveMacs: 17, effectiveAcs: 9, dense: 49 + 18 },
      });
    });
    model.dispose();
  });
});

test('refuses what it cannot count', () => {
  const make = (stateful: boolean) =>
    tf.sequential({
      layers: [spiking.layers.lifNode({ batchInputShape: [1, 2, 3], stateful })],
    });
  expect(() => neurobench(make(true), tf.zeros([1, 2, 3]))).toThrow('stateless');
  expect(() => neurobench(make(false), tf.zeros([0, 2, 3]))).toThrow('one sample or more');
});
