/** Modules without statistics of a batch, whose fixtures have one set of numbers for training and inference. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { layerEntries } from '../../models/families';
import type { LayerPlace, TorchEntry } from '../../models/torch_names';
import {
  expectForwardClose,
  expectGradClose,
  expectSpikesEqual,
  type Fixture,
  permute,
  toTensor,
  type Values,
} from './fixtures';

/** Neurons' (T,N,...) to ours, [N,T,...]. */
export const spikesToOurs = (values: Values): Values =>
  permute(values, [1, 0, ...[...values.shape.keys()].slice(2)]);

export type Variable = TorchEntry & { variable: tf.LayerVariable };

/** Writes `state.<prefix><key>` into each of the entries' variables. */
export function load(fixture: Fixture<unknown>, entries: readonly Variable[], prefix = ''): void {
  for (const { key, variable, sameLayout } of entries) {
    const name = `state.${prefix}${key}`;
    const values = sameLayout ? fixture.values(name) : fixture.weight(name);
    tf.tidy(() => {
      variable.write(toTensor(values).reshape(variable.shape as number[]));
    });
  }
}

/** Entries that have a variable, under keys without what stands before the module's own. */
export function variablesOf(layer: tf.layers.Layer, place: LayerPlace = {}): Variable[] {
  return layerEntries(layer, place)
    .filter((entry): entry is Variable => entry.variable !== null)
    .map((entry) => ({ ...entry, key: entry.key.replace(/^(blocks|transforms)\.0\./, '') }));
}

/** Spikes in the fixture's order, output, and gradients of input and weights, in both modes. */
export function expectModuleParity(
  fixture: Fixture<{ lif: Record<string, unknown> }>,
  layer: tf.layers.Layer,
  entriesOf: (layer: tf.layers.Layer) => Variable[] = variablesOf,
): void {
  tf.tidy(() => {
    const x = toTensor(fixture.values('x'));
    const g = toTensor(fixture.values('g'));
    const model = tf.sequential({
      layers: [tf.layers.inputLayer({ inputShape: x.shape.slice(1) }), layer],
    });
    const entries = entriesOf(layer);
    load(fixture, entries);
    const lifs = Object.keys(fixture.meta.lif);
    for (const training of [true, false]) {
      const spikes = [...spiking.observe(model, x, { training })];
      expect(spikes).toHaveLength(lifs.length);
      spikes.forEach(([path, s], i) => {
        expectSpikesEqual(s, spikesToOurs(fixture.values(`lif.${lifs[i]}`)), path);
      });
      const run = (input: tf.Tensor) => model.apply(input, { training }) as tf.Tensor;
      expectForwardClose(run(x), fixture.values('out'));
      const loss = (input: tf.Tensor) => run(input).mul(g).sum().asScalar();
      expectGradClose(tf.grad(loss)(x), fixture.values('grad_input'), 'gradient of the input');
      const variables = entries.map(({ variable }) => variable.read() as tf.Variable);
      const { grads } = tf.variableGrads(() => loss(x), variables);
      for (const { key, variable } of entries) {
        const expected = fixture.weight(`grad.${key}`);
        expectGradClose(grads[variable.name]!, expected, `gradient of ${key}`);
      }
    }
    model.dispose();
  });
}
