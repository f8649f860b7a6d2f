/** Every family's networks, as onnxruntime runs them: logits to 1e-5, and the same spikes. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { seededWeights } from '../../../training/seeded_weights';
import { backends } from '../../support/backends';
import { expectSameOutputs, expectSameSpikes, openOnnx } from '../../support/onnx';
import { smallNetworks } from '../../support/small_networks';

/** Gives every neuron much to fire at: running statistics as its inputs are, wide gammas, high betas. */
function enliven(model: tf.LayersModel, x: tf.Tensor): void {
  for (const weight of model.weights) {
    const value = { gamma: 2, beta: 0.5 }[weight.originalName.split('/').at(-1)!];
    if (value) weight.write(tf.fill(weight.shape as number[], value));
  }
  for (let i = 0; i < 8; i++) tf.dispose(model.apply(x, { training: true }) as tf.Tensor);
}

// The file does not depend on the backend but for where the weights lie, which to_onnx.test.ts tries: the last is faster.
const backend = backends.at(-1)!;

describe('a network in onnxruntime', () => {
  beforeAll(() => tf.setBackend(backend));

  test.each(smallNetworks([3, 4]))('of %s', async (_, create) => {
    const model = seededWeights(1, create); // of some weights, few neurons fire
    const shape = model.inputs[0]!.shape.slice(1) as number[];
    const images = (count: number, seed: number) =>
      tf.randomUniform([count, ...shape], 0, 2, 'float32', seed);
    const x = images(2, 1);
    enliven(model, x);
    const run = await openOnnx(await spiking.interop.toOnnx(model, { spikes: true }));
    expect(tf.getBackend()).toBe(backend);
    const outputs = await expectSameOutputs(model, run, x);
    expect(expectSameSpikes(model, x, outputs)).toBeGreaterThan(0.01);
    const one = images(1, 2);
    expectSameSpikes(model, one, await expectSameOutputs(model, run, one));
    model.dispose();
    tf.dispose([x, one]);
  });
});
