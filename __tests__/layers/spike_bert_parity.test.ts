/** SpikeBERT's parts against the authors' modules, for both of their time constants. */
import type * as tf from '@tensorflow/tfjs';
import * as spiking from 'tfjs-spikingformer';
import { layerNormEntries, lookup, weight } from '../../models/torch_names';
import { describeEachBackend } from '../support/backends';
import { loadFixture } from '../support/fixtures';
import { expectModuleParity, type Variable } from '../support/state_parity';

interface Meta {
  tau: number;
  heads: number;
  lif: Record<string, unknown>;
}

const { chain, lifNode, linearLN, spikeBertBlock, spikeBertMLP, spikeBertSelfAttention } =
  spiking.layers;

const modules = {
  attention: ({ tau, heads }: Meta) => spikeBertSelfAttention({ numHeads: heads, tau }),
  mlp: ({ tau }: Meta) => spikeBertMLP({ tau }),
  block: ({ tau, heads }: Meta) => spikeBertBlock({ numHeads: heads, tau }),
};

/** A chain's map and norm, as the fixture names them. */
function mapEntries(layer: tf.layers.Layer): Variable[] {
  const get = lookup(layer);
  return [
    weight('fc.weight', get('map/kernel'), 2),
    weight('fc.bias', get('map/bias')),
    ...layerNormEntries('ln', 'map/ln/', get),
  ] as Variable[];
}

describeEachBackend('SpikeBERT as its authors wrote it', () => {
  describe.each([2, 10])('tau %d', (tau) => {
    test.each(Object.entries(modules))('%s', (name, make) => {
      const fixture = loadFixture<Meta>(`ops/spikebert_${name}_tau${tau}`);
      expectModuleParity(fixture, make(fixture.meta));
    });

    test('linear map, layer norm and neurons', () => {
      const fixture = loadFixture<Meta>(`ops/spikebert_ln_linear_lif_tau${tau}`);
      const layers = [
        linearLN({ name: 'map', units: 32 }),
        lifNode({ name: 'lif', tau, surrogate: 'atan' }),
      ];
      expectModuleParity(fixture, chain({ layers }), mapEntries);
    });
  });
});
