/** Each composite layer against the authors' module: spikes, output, gradients, running statistics. */
import * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { layerEntries } from '../../models/families';
import {
  type LayerNames,
  type LayerPlace,
  lookup,
  mapBN,
  type TorchEntry,
} from '../../models/torch_names';
import { describeEachBackend } from './backends';
import {
  type ExpectedSpikes,
  expectBuffersClose,
  expectForwardClose,
  expectGradClose,
  expectGradVanishes,
  expectSpikesEqual,
  type Fixture,
  loadFixture,
  spikesOf,
  toTensor,
} from './fixtures';

export interface ModuleMeta {
  tau?: number;
  heads: number;
  embed: number;
  E: number;
  cout: number;
  T?: number;
  modes: Record<'train' | 'eval', { lif: Record<string, unknown> }>;
}

/** The layer of a fixture, and where it stands in a model if its weights' names tell. */
export type LayerOf = (meta: ModuleMeta) => tf.layers.Layer;
/** Its weights' names too, if no family has the layer. */
export type Module = [fixture: string, layer: LayerOf, place?: LayerPlace, names?: LayerNames];

/** A layer's weights under the keys of the authors' module, which stands alone in these fixtures; it may have the shortcut in it. */
function moduleEntries(
  layer: tf.layers.Layer,
  place: LayerPlace = {},
  names?: LayerNames,
): (TorchEntry & { variable: tf.LayerVariable })[] {
  if (!names && layer instanceof spiking.layers.Residual) {
    return moduleEntries(layer.sublayers[0]!, place);
  }
  const entries =
    layer.getClassName() === 'CMLDownsample'
      ? mapBN({ map: 'conv', bn: 'bn', rank: 4 }, 'conv_bn', lookup(layer))
      : (names ?? layerEntries)(layer, place);
  return entries
    .filter(
      (entry): entry is TorchEntry & { variable: tf.LayerVariable } => entry.variable !== null,
    )
    .map((entry) => ({
      ...entry,
      key: entry.key.replace(/^(patch_embed\d?|block\.0|layer1\.0|stage\d\.\d)\./, ''),
    }));
}

/** The layer as a model of its own, with the fixture's weights. */
function modelOf(
  layer: tf.layers.Layer,
  x: tf.Tensor,
  fixture: Fixture<ModuleMeta>,
  place?: LayerPlace,
  names?: LayerNames,
) {
  const model = tf.sequential();
  const input = tf.layers.inputLayer({ inputShape: x.shape.slice(1) });
  model.add(input);
  model.add(layer);
  const entries = moduleEntries(layer, place, names);
  for (const { key, variable } of entries) {
    const shape = variable.shape as number[];
    tf.tidy(() => {
      variable.write(toTensor(fixture.weight(`state.${key}`)).reshape(shape));
    });
  }
  return { model, entries };
}

/** Each fixture's layer on every backend. */
export function describeLayerParity(
  modules: readonly Module[],
  expectedSpikes: ExpectedSpikes = spikesOf,
): void {
  describeEachBackend('layers as the authors wrote them', () => {
    describe.each(modules.map((module) => [module[0], module] as const))(
      '%s',
      (name, [, layerOf, place, names]) => {
        const fixture = loadFixture<ModuleMeta>(`ops/${name}`);

        test.each(['train', 'eval'] as const)('%s', (mode) => {
          const training = mode === 'train';
          const lifNames = Object.keys(fixture.meta.modes[mode].lif);
          tf.tidy(() => {
            const x = toTensor(fixture.activation('x'));
            const g = toTensor(fixture.activation('g'));
            const { model, entries } = modelOf(layerOf(fixture.meta), x, fixture, place, names);

            const spikes = [...spiking.observe(model, x, { training })];
            expect(spikes).toHaveLength(lifNames.length);
            spikes.forEach(([path, s], i) => {
              const lif = `${mode}.lif.${lifNames[i]}`;
              const expected = expectedSpikes(fixture, lif, fixture.meta.T, s.shape);
              expectSpikesEqual(s, expected, `${path} (${lifNames[i]})`);
              s.dispose();
            });

            const learnt = entries.filter(({ variable }) => variable.trainable);
            const input = tf.variable(x);
            const gradInput = `${mode}.grad_input`;
            let output: tf.Tensor | undefined;
            const loss = () => {
              output = tf.keep(model.apply(input, { training }) as tf.Tensor);
              return output.reshape(g.shape).mul(g).sum().asScalar();
            };
            const { grads } = tf.variableGrads(loss, [
              ...learnt.map(({ variable }) => variable.read() as tf.Variable),
              ...(fixture.has(gradInput) ? [input] : []),
            ]);
            expectForwardClose(output!, fixture.activation(`${mode}.out`), 'output');
            if (fixture.has(gradInput)) {
              const expected = fixture.activation(gradInput);
              expectGradClose(grads[input.name]!, expected, 'gradient of the input');
            }
            tf.dispose([output!, input]);
            for (const { key, variable } of learnt) {
              const gradient = grads[variable.name]!;
              if (training && /(conv|linear|dwc)\.bias$/.test(key)) {
                // The batch norm after it takes the bias out: the reference's gradient is rounding noise.
                const kernel = fixture.weight(`${mode}.grad.${key.replace(/bias$/, 'weight')}`);
                expectGradVanishes(gradient, kernel, `gradient of ${key}`);
                continue;
              }
              const expected = fixture.weight(`${mode}.grad.${key}`);
              expectGradClose(gradient.reshape(expected.shape), expected, `gradient of ${key}`);
            }
            for (const { key, variable } of entries.filter((entry) => !entry.variable.trainable)) {
              const expected = training ? `train.buffer.${key}` : `state.${key}`;
              expectBuffersClose(variable.read(), fixture.values(expected), key);
            }
            model.dispose();
          });
        });
      },
    );
  });
}
