/** Every family's networks, as onnxruntime runs them: logits to 1e-5, and the same spikes. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { allFamilies } from '../../../models/families';
import type { Family, FamilyConfig } from '../../../models/family';
import { backends } from '../../support/backends';
import { expectSameOutputs, expectSameSpikes, openOnnx } from '../../support/onnx';

/** A small network of a preset's kind: two heads, few channels, few pixels. */
function small(family: Family, preset: FamilyConfig): FamilyConfig {
  const { embedDim, ...sizes } = family.authors.smallest(preset);
  const events = preset.inputShape.length === 4;
  return {
    ...preset,
    ...sizes,
    ...(embedDim !== undefined && { embedDim: 2 * (embedDim as number) }),
    ...('numHeads' in family.options && { numHeads: 2 }),
    ...('numClasses' in family.options && { numClasses: 5 }),
    inputShape: events ? [3, 32, 32, 2] : [16, 16, 3],
  };
}

/** One preset for images and one for events of each family, if it has them. */
const cases = allFamilies().flatMap((family) =>
  [3, 4].flatMap((rank) => {
    const preset = Object.keys(family.presets).find(
      (name) => family.presets[name]!.inputShape.length === rank,
    );
    return preset ? [[preset, family] as const] : [];
  }),
);

/** Gives every neuron much to fire at: running statistics as its inputs are, wide gammas, high betas. */
function enliven(model: tf.LayersModel, x: tf.Tensor): void {
  for (const weight of model.weights) {
    const value = { gamma: 2, beta: 0.5 }[weight.originalName.split('/').at(-1)!];
    if (value) weight.write(tf.fill(weight.shape as number[], value));
  }
  for (let i = 0; i < 8; i++) tf.dispose(model.apply(x, { training: true }) as tf.Tensor);
}

// The file does not depend on the backend but for where the weights lie, which to_onnx.test.ts tries.
const [backend] = backends;

describe('a network in onnxruntime', () => {
  beforeAll(() => tf.setBackend(backend!));

  test.each(cases)('of %s', async (preset, family) => {
    const model = family.create(small(family, family.presets[preset]!));
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
